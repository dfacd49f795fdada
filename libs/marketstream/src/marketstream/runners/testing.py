"""A good message of each topic, and what is as the schema says and cannot be."""

from __future__ import annotations

from typing import Any

from marketstream.messages import (
    Audit,
    Candle,
    Context,
    Depth,
    Features,
    Feed,
    Funding,
    Gap,
    Liquidations,
    Model,
    MoveForecast,
    MoveOutcome,
    Outcome,
    Prediction,
    Quote,
    Reading,
    Stall,
    Status,
    Trade,
    Trades,
)

MARKET = "binance:BTC/USDT"
NOW_US = 1_790_000_000_000_000
NOW_MS = NOW_US // 1_000
DAY_US = 86_400_000_000


def good(market: str, now_us: int) -> dict[str, Any]:
    """Return a message of each topic that says what can be of a market."""
    now_ms = now_us // 1_000_000 * 1_000
    prices = (100.0, 101.0, 99.0, 100.5)
    trade = Trade(2**40, 100.0, 0.5, "buy", now_us)
    quote = Quote(99.0, 1.0, 101.0, 1.0, now_us)
    return {
        "trades": Trades(market, (trade,), quote, now_us),
        "candles": Candle(
            market, "1s", now_ms - 1_000, now_ms, *prices, 1.0, 100.0, 1, 0.5, 50.0
        ),
        "technical_indicators": Features(
            market, "1s", now_ms, {"rsi_14": 50.0}, 99.0, 101.0, 100.0, "test"
        ),
        "predictions": Prediction(
            market, "1s", now_ms, 1_000, "champion", "test", "1", 0, 100.0, 100.0, 0.0, 100.0,
            0.4, 0.2, 0.4, 99.0, 101.0, 0.8, "up", None, {},
        ),
        "outcomes": Outcome(
            market, "1s", now_ms, 1_000, "champion", "1", 100.0, 0.0, 0.0, "right", "right",
            inside=True, baselines={},
        ),
        "move_forecasts": MoveForecast(
            market, "1s", now_ms, 60_000, "volatility", "ridge", "1", "mid", 0, 1e-7,
            tuple(1e-8 * (1 + level) for level in range(19)), {"har": 1e-7},
        ),
        "move_outcomes": MoveOutcome(
            market, "1s", now_ms, 60_000, "volatility", "ridge", "1", 1e-7,
            still=False, qlike=0.0, baselines={"har": 0.1}, crps=0.2,
            inside_80=True, inside_90=True,
        ),
        "gaps": Gap(market, 5, 9, now_us - 1_000, now_us, "lost", "test"),
        "stalls": Stall(market, now_us - 1_000_000, "trades", now_us, "quiet"),
        "audits": Audit(market, "1s", now_ms - 2_000, now_ms - 1_000, 1, 1, 0),
        "models": Model(market, "1s", 1_000, "test", "1", now_ms, 10, {"accuracy": 0.5}),
        "status": Status(market, "trades", Feed(connected=True, reconnects=0, missing_trades=0)),
    }  # fmt: skip


GOOD = good(MARKET, NOW_US)


def _absurd_books(now_us: int, bad_times_us: tuple[int, ...]) -> list[Depth]:
    one = ((100.0, 1.0),)
    return [
        *(Depth(one, one, time) for time in bad_times_us),
        *(Depth(((price, 1.0),), one, now_us) for price in (-1.0, 0.0, 1e300, float("inf"))),
        *(Depth(one, ((101.0, size),), now_us) for size in (-1.0, 0.0, 1e300, float("nan"))),
        Depth(one * 100_000, one, now_us),
    ]


def _absurd_parts(now_us: int) -> list[dict[str, Any]]:
    """Return parts of what is told of a perpetual that cannot be."""
    later_us = now_us + 3 * DAY_US
    return [
        *(
            {name: Reading(price, now_us)}
            for name in ("mark", "index")
            for price in (-1.0, 0.0, 1e300, float("nan"))
        ),
        {"mark": Reading(100.0, later_us)},
        {"open_interest": Reading(-1.0, now_us)},
        {"open_interest": Reading(float("inf"), now_us)},
        {"funding": Funding(float("nan"), now_us)},
        {"funding": Funding(1.5, now_us)},
        {"funding": Funding(0.0001, now_us, now_us + 30 * DAY_US)},
        {"liquidations": Liquidations(-1.0, 0.0, now_us, now_us)},
        {"liquidations": Liquidations(0.0, float("nan"), now_us, now_us)},
        {"liquidations": Liquidations(0.0, 0.0, 0, now_us)},
    ]


def absurd(now_us: int) -> list[tuple[str, dict[str, Any]]]:
    """Return changes of good messages, by topic, that make them say what cannot be."""
    bad_times_us = (0, -1, now_us + 3 * DAY_US, now_us * 1_000, 2**70)
    return [
        *(("trades", {"seen_until_us": time}) for time in bad_times_us),
        *(("trades", {"proven_until_us": time}) for time in bad_times_us),
        *(("gaps", {"until_us": time}) for time in bad_times_us),
        *(("stalls", {"since_us": time}) for time in bad_times_us),
        *(("audits", {"to_ms": time}) for time in bad_times_us),
        *(("candles", {"close_time_ms": time // 1_000}) for time in bad_times_us if time != 2**70),
        *(("technical_indicators", {"close_time_ms": time}) for time in bad_times_us),
        *(
            ("candles", {field: price})
            for field in ("open", "close")
            for price in (-1.0, 0.0, 1e300)
        ),
        *(("trades", {"epoch": epoch}) for epoch in (-1, 10**12, 2**64)),
        *(("trades", {"spread_us": spread}) for spread in (-1, 10**15, 2**70)),
        *(("trades", {"depth": depth}) for depth in _absurd_books(now_us, bad_times_us)),
        *(("candles", {"depth": depth}) for depth in _absurd_books(now_us, bad_times_us)),
        ("trades", {"trades": (Trade(10**15, 100.0, 0.5, "buy", now_us, count=10**14),)}),
        ("candles", {"open_time_ms": now_us // 1_000 + 60_000}),
        ("candles", {"low": 102.0}),
        *(("candles", {"low": price}) for price in (0.0, -1.0)),
        *(("candles", {name: -1}) for name in ("trade_count", "expected_count", "revision")),
        ("candles", {"expected_count": 2**63 - 1}),
        *(
            ("gaps", {"first_id": first_id, "end_id": end_id})
            for first_id, end_id in ((-(2**62), 2**62), (0, 2**63 - 1), (10, 5), (-5, 5))
        ),
        *(("gaps", {"epoch": epoch}) for epoch in (-1, 2**62)),
        *(("predictions", {"horizon_ms": horizon}) for horizon in (-1, 2**62)),
        *(("audits", {name: -1}) for name in ("compared", "equal", "incomplete")),
        ("trades", {"price_decimals": 10**6}),
        ("trades", {"quote": Quote(float("nan"), 1.0, 101.0, 1.0, now_us)}),
        ("trades", {"quote": Quote(1e300, 1.0, 101.0, 1.0, now_us)}),
        ("trades", {"quote": Quote(100.0, -1.0, 101.0, 1.0, now_us)}),
        ("trades", {"quote": Quote(100.0, 1.0, float("inf"), 1.0, now_us)}),
        ("trades", {"quote": Quote(100.0, 1.0, 101.0, 1.0, 5 * 10**15)}),
        *(
            (topic, {"context": Context(now_us, **part)})
            for topic in ("trades", "candles")
            for part in _absurd_parts(now_us)
        ),
        *(("trades", {"context": Context(time)}) for time in bad_times_us),
        ("trades", {"trades": (Trade(2**80, 100.0, 0.5, "buy", now_us),)}),
        ("trades", {"trades": (Trade(-5, 100.0, 0.5, "buy", now_us),)}),
        ("trades", {"trades": (Trade(5, 100.0, 0.5, "buy", now_us, count=0),)}),
        ("trades", {"trades": (Trade(5, 100.0, 0.5, "buy", now_us, count=7),)}),
        *(
            ("trades", {"trades": (Trade(5, number, 0.5, "buy", now_us),)})
            for number in (0.0, -1.0, 1e-300, 1e300, float("nan"))
        ),
        *(
            ("trades", {"trades": (Trade(5, 100.0, number, "buy", now_us),)})
            for number in (0.0, -1.0, 1e-300, 1e300)
        ),
        ("trades", {"trades": (Trade(5, 100.0, 0.5, "buy", now_us + 2 * DAY_US),)}),
        ("candles", {"trade_count": 2**80}),
        ("candles", {"volume": float("inf")}),
        ("candles", {"timeframe": "s" * 20_000}),
        ("technical_indicators", {"values": {"rsi_14": 1e300}}),
        ("technical_indicators", {"values": {"r" * 20_000: 1.0}}),
        ("technical_indicators", {"close": float("nan")}),
        ("predictions", {"mid": -1.0}),
        ("predictions", {"horizon_ms": 2**80}),
        ("outcomes", {"realised_mid": 0.0}),
        ("move_forecasts", {"mean": float("nan")}),
        ("move_forecasts", {"horizon_ms": 2**80}),
        ("move_outcomes", {"realised": float("inf")}),
        ("gaps", {"first_id": 2**80}),
        ("audits", {"equal": 2**80}),
        ("models", {"rows": 2**80}),
        ("models", {"trained_at_ms": 5}),
        ("status", {"market": "binance:\0"}),
    ]


ABSURD = absurd(NOW_US)
