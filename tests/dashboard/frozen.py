"""A made-up market of which the time stands still: the dashboard shows the same at any time."""

from __future__ import annotations

import asyncio
import contextlib
import random
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from math import exp, log
from pathlib import Path
from threading import Event, Thread
from typing import Any

from marketstream.explanation import Explanation, Terms
from marketstream.fakes import FakePorts
from marketstream.messages import (
    Candle,
    Features,
    Feed,
    Gap,
    Learning,
    Model,
    MoveForecast,
    MoveOutcome,
    Outcome,
    Parity,
    Prediction,
    Stall,
    Status,
)
from marketstream.messages.prediction import Said
from marketstream.messages.words import Answer, Direction, Verdict
from marketstream.plan import Plan
from marketstream.store.port import Store
from marketstream.store.sql import open_store
from prediction_api.build import build
from prediction_api.http_server import listen
from prediction_api.settings import ApiSettings
from prediction_api.views.board import Seen

BTC, ETH = "binance:BTC/USDT", "kraken:ETH/USD"
STALLED, SILENT = "bybit:SOL/USDT", "kraken:XRP/USD"  # one stands still, one has no model yet
KNOWN = (BTC, ETH, STALLED)
PLAN = Plan((*KNOWN, SILENT), "1s", (1, 2, 5, 10))
CLOSE_MS = 1_772_452_800_000  # 2026-03-02 12:00 UTC
NOW_NS = (CLOSE_MS + 350) * 1_000_000
CLOSES = 600
FEATURE_SET = "frozen"
STARTS = {BTC: 640_000, ETH: 185_000, STALLED: 142_000}  # in ticks
TICKS = {BTC: 0.1, ETH: 0.01, STALLED: 0.001}
WEIGHTS = {"lightgbm": 0.41, "imbalance_calibrated": 0.34, "logistic_five": 0.25}
ADDED = {
    "imbalance": 0.62, "signed_volume": 0.21, "fair_price": -0.17, "rsi_14": -0.08, "macd": 0.05,
    "age": 0.03, "volatility": -0.02, "vwap_distance": 0.01,
}  # fmt: skip


@contextmanager
def frozen(port: int = 0) -> Iterator[str]:
    """Serve the market from a thread of its own, on any free port or this; yields the address."""
    stopping = Event()
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(open_store(f"sqlite:///{folder}/realtime.sqlite")) as store,
        listen("127.0.0.1", port) as listening,
    ):
        ports: Any = FakePorts(Path(folder), store)
        ports.now_ns = NOW_NS
        part = build(PLAN, ApiSettings(), ports, listening, _taken_apart)
        closes = {market: _closes_of(market, number) for number, market in enumerate(KNOWN)}
        _keep(store, closes)
        thread = Thread(target=lambda: asyncio.run(_serve(part.work, stopping)))
        _tell(ports, closes)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            stopping.set()
            thread.join(10)


async def _serve(work: Any, stopping: Event) -> None:
    serving = asyncio.create_task(work())
    await asyncio.to_thread(stopping.wait)
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving


async def _taken_apart(told: Explanation) -> Mapping[str, Terms]:
    base = 0.04
    added = dict(ADDED)
    terms = Terms(base + sum(added.values()), base, added)
    return dict.fromkeys(told.prediction.candidates, terms)


class _Closes:
    """All that is known of a market: candles, predictions of each close and what came."""

    def __init__(self) -> None:
        self.candles: list[Candle] = []
        self.predictions: list[Prediction] = []
        self.outcomes: list[Outcome] = []
        self.features: list[Features] = []


def _closes_of(market: str, number: int) -> _Closes:
    chance = random.Random(number)
    tick = TICKS[market]
    ticks = [STARTS[market]]
    while len(ticks) < CLOSES + 11:
        ticks.append(ticks[-1] + round(chance.triangular(-9, 9) * chance.choice((0, 1, 1, 2))))
    mids = [round(one * tick, 3) for one in ticks]
    made = _Closes()
    for place in range(1, CLOSES + 1):
        close_ms = CLOSE_MS - (CLOSES - place) * 1_000
        made.candles.append(_candle(market, close_ms, mids[place - 1], mids[place], tick, chance))
        values: dict[str, float | None] = {
            name: round(added * chance.uniform(-2, 3), 3) for name, added in ADDED.items()
        }
        made.features.append(
            Features(market, "1s", close_ms, values, mids[place] - tick, mids[place] + tick,
                     mids[place], FEATURE_SET)
        )  # fmt: skip
        for horizon in PLAN.horizons:
            is_up = mids[place + horizon] >= mids[place]
            prediction = _prediction(market, close_ms, horizon, mids[place], is_up, chance)
            made.predictions.append(prediction)
            if place + horizon <= CLOSES:
                made.outcomes.append(_outcome(prediction, mids[place + horizon]))
    return made


def _candle(
    market: str, close_ms: int, before: float, mid: float, tick: float, chance: random.Random
) -> Candle:
    high = round(max(before, mid) + tick * chance.randrange(1, 8), 3)
    low = round(min(before, mid) - tick * chance.randrange(1, 8), 3)
    volume = round(chance.uniform(0.1, 1.4), 3)
    return Candle(
        market, "1s", close_ms - 1_000, close_ms, before, high, low, mid, volume, volume * mid,
        12, volume / 2, volume * mid / 2, mid - tick, 1.5, mid + tick, 1.2,
        complete=not CLOSE_MS - 14_000 < close_ms <= CLOSE_MS - 10_000, expected_count=12,
    )  # fmt: skip


def _prediction(
    market: str, close_ms: int, horizon: int, mid: float, is_up: bool, chance: random.Random
) -> Prediction:
    lean = min(0.88, max(0.12, 0.5 + (0.09 if is_up else -0.09) + chance.uniform(-0.28, 0.28)))
    flat = 0.3 / horizon
    direction: Direction = "up" if lean > 0.5 else "down"
    moves = 2e-5 * (horizon**0.5)
    predicted = mid * exp((lean - 0.5) * moves)
    answers: dict[str, Answer] = {
        "majority": "up",
        "persistence": "up" if chance.random() < 0.5 else "down",
        "reversal": "up" if chance.random() < 0.5 else "down",
        "imbalance_sign": "up" if chance.random() < (0.62 if is_up else 0.38) else "down",
        "logistic_five": "up" if chance.random() < (0.58 if is_up else 0.42) else "down",
    }
    candidates = {
        name: Said(min(0.95, lean + 0.02 * place), weight, f"{name}:7")
        for place, (name, weight) in enumerate(WEIGHTS.items())
    }
    return Prediction(
        market, "1s", close_ms, horizon * 1_000, "champion", "average", "7", 0, mid, mid,
        (lean - 0.5) * moves, predicted, (1 - flat) * lean, flat, (1 - flat) * (1 - lean),
        predicted * (1 - moves), predicted * (1 + moves), 0.8, direction, None, answers,
        feature_set=FEATURE_SET, made_at_ms=close_ms + 320, latency_us=3_100,
        candidates=candidates,
    )  # fmt: skip


def _outcome(prediction: Prediction, mid: float) -> Outcome:
    def verdict(said: str) -> Verdict:
        if mid == prediction.mid:
            return "flat"
        return "right" if (said == "up") == (mid > prediction.mid) else "wrong"

    came = log(mid / prediction.mid)
    own = verdict(prediction.direction)
    return Outcome(
        prediction.market, "1s", prediction.close_time_ms, prediction.horizon_ms, "champion",
        prediction.model_version, mid, came, came, own, own,
        inside=prediction.low <= mid <= prediction.high,
        baselines={name: verdict(said) for name, said in prediction.answers.items()},
    )  # fmt: skip


def _keep(store: Store, closes: Mapping[str, _Closes]) -> None:
    """Store what is past; the newest predictions are told live."""
    for market, made in closes.items():
        past = [one for one in made.predictions if one.close_time_ms < CLOSE_MS]
        store.write([*made.candles, *past, *made.outcomes, *made.features])
        models = [
            Model(market, "1s", horizon_ms, name, version, CLOSE_MS - ago_ms, rows, {},
                  CLOSE_MS - ago_ms, "first" if version == "6" else "better on newer rows")
            for horizon_ms in PLAN.horizons_ms
            for name, version, ago_ms, rows in (
                ("logistic_five", "6", 3_000_000, 2_900), ("lightgbm", "7", 720_000, 5_400),
            )
        ]  # fmt: skip
        store.write(models)

    def ago(seconds: int) -> int:
        return (CLOSE_MS - seconds * 1_000) * 1_000

    store.write([
        Gap(BTC, 103, 106, ago(14), ago(10), "lost", "the exchange has none"),
        Gap(BTC, 203, 205, ago(42), ago(40), "repaired"),
        Stall(BTC, ago(36), "trades", ago(29), "zombie"),
    ])  # fmt: skip


def _tell(ports: Any, closes: Mapping[str, _Closes]) -> None:
    """Tell what is live of the markets: the newest close, how far it goes, and how services are."""
    for market, made in closes.items():
        ports.pass_on(Seen(market, CLOSE_MS * 1_000 + 250_000), NOW_NS - 100_000_000)
        stalled_ms = 42_000 if market == STALLED else None
        feed = Feed(connected=True, reconnects=1, missing_trades=3 * (market == BTC),
                    stalled_ms=stalled_ms)  # fmt: skip
        ports.pass_on(Status(market, "trades", feed), NOW_NS)
        trainings = dict.fromkeys(PLAN.horizons_ms, 2)
        learning = Learning(900_000, 900_000, book=True, trainings=trainings)
        ports.pass_on(Status(market, "predictor", learning), NOW_NS)
        ports.pass_on(Status(market, "candles", Parity(1_840, 1_839, 4, [])), NOW_NS)
        for place, one in enumerate(p for p in made.predictions if p.close_time_ms == CLOSE_MS):
            ports.pass_on(one, NOW_NS - 3_400_000 - 90_000 * place)
        for minutes in (1, 5, 15):
            for message in _moves(market, minutes):
                ports.pass_on(message, NOW_NS)

    ports.pass_on(Seen(SILENT, CLOSE_MS * 1_000 + 250_000), NOW_NS - 100_000_000)
    quiet = Feed(connected=True, reconnects=0, missing_trades=0)
    ports.pass_on(Status(SILENT, "trades", quiet), NOW_NS)
    learning = Learning(420_000, 900_000, book=True, trainings={})
    ports.pass_on(Status(SILENT, "predictor", learning), NOW_NS)


def _moves(market: str, minutes: int) -> Iterator[MoveForecast | MoveOutcome]:
    horizon_ms = minutes * 60_000
    for target, mean, spread in (("volatility", 9e-8 * minutes, 0.2), ("range", 5e-4, 0.08)):
        said: Any = target
        mean *= 1 if target == "volatility" else minutes**0.5
        quantiles = tuple(mean * (0.3 + spread * place) for place in range(19))
        others = {"ewma": mean * 0.8, "har": mean * 1.1, "same_hour_of_yesterday": mean * 1.4}
        yield MoveForecast(
            market, "1s", CLOSE_MS, horizon_ms, said, "ridge", "7", "mid", 0, mean, quantiles,
            others, made_at_ms=CLOSE_MS + 400, latency_us=5_000,
        )  # fmt: skip
        for place in range(60):
            yield MoveOutcome(
                market, "1s", CLOSE_MS - (60 - place) * horizon_ms, horizon_ms, said, "ridge",
                "7", mean, still=False, qlike=0.1, baselines={}, crps=0.2,
                inside_80=place % 5 > 0, inside_90=place % 9 > 0,
            )  # fmt: skip
