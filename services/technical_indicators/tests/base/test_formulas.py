"""Features of the book and the flow by value, held against their formulas."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from msgspec.structs import replace

from marketstream.columns import Floats
from marketstream.messages import Candle, Depth
from marketstream.messages.trades import Levels
from technical_indicators.batch import feature_table

from .markets import (
    BASE_MS,
    Entry,
    moving,
    of,
    still,
)


def book(bids: Levels, asks: Levels, row: int) -> Candle:
    """Return a still candle with this book a second before its close."""
    one = still(moving()[row])
    depth = Depth(bids, asks, one.close_time_ms * 1_000 - 1_000_000)
    (bid, bid_quantity), (ask, ask_quantity) = bids[0], asks[0]
    return replace(
        one, bid=bid, bid_quantity=bid_quantity, ask=ask, ask_quantity=ask_quantity, depth=depth
    )


def test_the_formulas_of_the_book_by_value() -> None:
    entries: list[Entry] = [
        {"book_imbalance": {"levels": 1}}, {"book_imbalance": {"levels": 2}},
        {"book_microprice": {"levels": 1}}, {"book_microprice": {"levels": 2}},
        {"book_slope": {"levels": 2}}, {"book_spread": {"levels": 2}}, "book_age",
        {"book_imbalance": {"levels": 3}},
        {"quote_ofi": {"seconds": 0.5}}, {"book_ofi": {"level": 2, "seconds": 0.5}},
        {"book_ofi_integrated": {"levels": 2, "seconds": 0.5}}, "quote_depletion",
    ]  # fmt: skip
    base = [
        book(((98.0, 9.0), (97.0, 9.0)), ((102.0, 9.0), (103.0, 9.0)), 0),
        book(((99.0, 2.0), (98.0, 1.0)), ((101.0, 4.0), (102.0, 5.0)), 1),
        book(((99.0, 6.0), (98.0, 3.0)), ((101.0, 4.0), (102.0, 5.0)), 2),  # +4, +2
        book(((99.0, 3.0), (97.0, 1.0)), ((101.0, 1.0), (103.0, 2.0)), 3),  # -3 + 3, -3 + 5
    ]
    [last] = feature_table(base, base, of(*entries, base="250ms")).values[-1:, -len(entries) :]
    assert last == pytest.approx(
        [
            0.5, (4 - 3) / 7,
            0.5 / 100, ((3 * 99 + 97) / 4 * 3 + (101 + 2 * 103) / 3 * 4) / 7 / 100 - 1,
            (4 / 3 - 3 / 3) / (4 / 3 + 3 / 3), 6 / 100, 1.0,
            math.nan,
            (4 + 0) / 4, (2 + 2) / 4,
            (6 + 2) / (6 + 2), math.log(3 / 6) - math.log(1 / 4),
        ],
        rel=1e-12, nan_ok=True,
    )  # fmt: skip


def weights(seconds: float, rows: int) -> Floats:
    return np.asarray(np.exp(-np.arange(rows)[::-1] * BASE_MS / 1_000 / seconds), np.float64)


def test_the_formulas_of_the_flow_by_value() -> None:
    """Held against sums over all that there was, without a recursion."""
    of_five_seconds: list[Entry] = [
        {name: {"seconds": 5}}
        for name in (
            "flow_share", "flow_root_share", "flow_count", "flow_pressure", "fair_distance",
            "trade_rate", "mid_volatility", "mid_autocorrelation", "vwap_distance",
        )
    ]  # fmt: skip
    entries: list[Entry] = [
        *of_five_seconds, "mid_age", "vwap_session", "time_sine", {"time_cosine": {"hours": 168}},
    ]  # fmt: skip
    base = moving()
    found = feature_table(base, base, of(*entries, base="250ms")).values[-1, -len(entries) :]
    rows = len(base)
    buys = np.array([candle.taker_buy_volume for candle in base])
    sells = np.array([candle.volume for candle in base]) - buys
    trades = np.array([candle.trade_count for candle in base])
    volume, quote = buys + sells, np.array([candle.quote_volume for candle in base])
    mid = np.array([candle.mid for candle in base], np.float64)
    k, usual_k, sigma_k = weights(5, rows), weights(300, rows), weights(120, rows - 1)
    signed, roots = np.sqrt(buys) - np.sqrt(sells), np.sqrt(buys) + np.sqrt(sells)
    usual = (roots * usual_k).sum() / (usual_k.sum() * 0.25)
    fair = (last_logs([c.first_buy for c in base]) + last_logs([c.first_sell for c in base])) / 2
    fair, fair_k = fair[np.isfinite(fair)], k[np.isfinite(fair)]
    changes = np.diff(fair) ** 2
    variance = (changes * sigma_k[-len(changes) :]).sum()
    variance /= sigma_k[-len(changes) :].sum() * 0.25
    moves, returns = np.diff(mid)[-20:], np.diff(mid) / mid[:-1]
    vwap = (quote * k).sum() / (volume * k).sum()
    day = next(row for row, candle in enumerate(base) if candle.open_time_ms % 86_400_000 == 0)
    of_day = quote[day:].sum() / volume[day:].sum()
    expected = [
        ((buys - sells) * k).sum() / (volume * k).sum(),
        (signed * k).sum() / (roots * k).sum(),
        (np.sign(buys - sells) * trades * k).sum() / ((trades * k).sum() + 0.5),
        np.tanh((signed * k).sum() / (2 * 5 * usual)),
        (fair[-1] - (fair * fair_k).sum() / fair_k.sum()) / np.sqrt(variance * 5),
        (trades * k).sum() / (k.sum() * 0.25),
        np.sqrt((returns**2 * k[1:]).sum() / (k[1:].sum() * 0.25)),
        (moves[1:] * moves[:-1]).sum() / (moves**2).sum(),
        base[-1].close / vwap - 1,
        0.25 * int(np.argmax(np.diff(mid)[::-1] != 0)),
        base[-1].close / of_day - 1,
        np.sin(2 * np.pi * (240 / 86_400)),
        np.cos(2 * np.pi * (base[-1].close_time_ms / 604_800_000 % 1)),
    ]
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


def last_logs(prices: Sequence[float | None]) -> Floats:
    logs, last = [], math.nan
    for price in prices:
        last = last if price is None else math.log(price)
        logs.append(last)
    return np.array(logs)


def test_a_flow_of_long_ago_has_faded_and_is_none() -> None:
    entries: list[Entry] = [{"flow_share": {"seconds": 0.5}}, {"vwap_distance": {"seconds": 0.5}}]
    base = [*moving()[:40], *(still(candle) for candle in moving()[40:])]
    values = feature_table(base, base, of(*entries, base="250ms")).values[:, -2:]
    assert (np.abs(values[100]) > 0).all()
    assert values[-1, 0] == 0.0
    assert math.isnan(values[-1, 1])
