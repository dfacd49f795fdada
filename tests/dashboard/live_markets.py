"""Made-up markets that go on in real time, and the API and dashboard on them."""

import asyncio
import contextlib
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple

import msgspec

from exchange_simulator import SeededMarket
from exchange_simulator.market.messages import trades_messages
from marketstream.explanation import Explanation, Terms
from marketstream.fakes import LivePorts
from marketstream.messages import Candle, Feed, Gap, HowFar, Learning, Model, Stall, Status, Trades
from marketstream.plan import Plan
from marketstream.store.port import Store
from marketstream.store.sql import open_store
from marketstream.topics import CANDLES, OUTCOMES, PREDICTIONS, TRADES
from prediction_api.build import build
from prediction_api.http_server import listen
from prediction_api.settings import ApiSettings
from prediction_api.views.board import Seen
from predictor.settings import PredictorSettings
from predictor.training.fitting import TrainedModel
from predictor.training.retraining import Trained, TrainingJob
from realtime_training.commands.explain.rebuilding import rebuild_answers
from realtime_training.pipeline import Pipeline
from technical_indicators.feature_set import FeatureSettings

MARKETS = ("simulator:BTC/USDT", "simulator:ETH/USDT")
SILENT = "elsewhere:ETH/USDT"  # followed too, but nothing ever comes from it
PLAN = Plan(MARKETS, "1s", (1, 2, 5, 10))
_STATE = Path("state")  # nothing is kept there

type Faults = Callable[[int], list[Gap | Stall]]


class LiveMarkets:
    """Two made-up markets, some minutes old, that go on in real time, with all that is served."""

    def __init__(
        self,
        minutes: float,
        listening: socket.socket,
        store: Store,
        stalled_ms: int | None,
        faults: Faults,
        settings: ApiSettings,
    ) -> None:
        self.stalled_ms = stalled_ms
        self.missing_trades = 0
        self.store = store
        self.closed: list[Candle] = []
        self.seen_us = time.time_ns() // 1_000_000_000 * 1_000_000
        self.tapes = {market: SeededMarket(market.split(":")[1], 7) for market in MARKETS}
        self.models: dict[tuple[str, int], TrainedModel] = {}
        self.ports: Any = LivePorts(_STATE, store)
        followed = replace(PLAN, markets=(*MARKETS, SILENT))
        self.api = build(followed, settings, self.ports, listening, self.taken_apart)
        self.pipeline = Pipeline(
            PLAN,
            FeatureSettings(),
            PredictorSettings(),
            retrain_every_ms=3_600_000,
            execute=train_at_once,
            installed=self.installed,
        )
        runner = self.pipeline.runner
        runner.tap(TRADES, self.traded)
        for topic in (CANDLES, PREDICTIONS, OUTCOMES):
            runner.tap(topic, self.ports.pass_on)
        runner.tap(CANDLES, self.to_be_stored)
        end_us, self.seen_us = self.seen_us, self.seen_us - int(minutes * 60_000_000)
        faulty = faults(end_us)
        self.gaps = [fault for fault in faulty if isinstance(fault, Gap)]
        store.write(faulty)
        self.trade(end_us)
        self.store_closed()

    def trade(self, until_us: int) -> None:
        for market, tape in self.tapes.items():
            for message in trades_messages(tape, market, self.seen_us, until_us):
                self.pipeline.runner.publish(message, time.time_ns())
        self.seen_us = until_us

    def to_be_stored(self, candle: Candle, received_ns: int) -> None:
        del received_ns
        if any(_touches(gap, candle) for gap in self.gaps):
            candle = msgspec.structs.replace(candle, complete=False)
        self.closed.append(candle)

    def store_closed(self) -> None:
        self.store.write(self.closed)
        self.closed.clear()

    def traded(self, message: Trades, received_ns: int) -> None:
        self.ports.pass_on(Seen(message.market, message.seen_until_us), received_ns)

    def installed(self, market: str, models: Mapping[int, TrainedModel]) -> None:
        for horizon_ms, model in models.items():
            self.models[market, horizon_ms] = model
            name, version = model.champion.name, model.version
            self.ports.pass_on(
                Model(market, "1s", horizon_ms, name, version, model.trained_at_ms, model.rows, {})
            )

    async def taken_apart(self, told: Explanation) -> Mapping[str, Terms]:
        prediction, features = told.prediction, told.features
        assert features is not None
        model = self.models[prediction.market, prediction.horizon_ms]
        return rebuild_answers(prediction, features.values, model).candidates

    def say_how_it_is(self) -> None:
        for market, retrainer in self.pipeline.retrainers.items():
            progress = retrainer.progress
            learning = Learning(
                progress.seen_ms,
                progress.needed_ms,
                progress.book,
                dict.fromkeys(PLAN.horizons_ms, 1),
                how_far=HowFar(("volatility", "range"), 12_000, 20_000, {300_000: 6_300_000}),
            )
            feed = Feed(
                connected=True,
                reconnects=0,
                missing_trades=self.missing_trades,
                stalled_ms=self.stalled_ms,
            )
            self.ports.pass_on(Status(market, "trades", feed))
            self.ports.pass_on(Status(market, "predictor", learning))

    async def serve(self, stop: Event) -> None:
        work: Any = self.api.work
        serving = asyncio.create_task(work())
        while not stop.is_set():
            now_us = time.time_ns() // 250_000_000 * 250_000
            if now_us > self.seen_us:
                self.trade(now_us)
                self.say_how_it_is()
                self.store_closed()
            await asyncio.sleep(0.05)
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


def nothing(now_us: int) -> list[Gap | Stall]:
    """Let nothing go wrong."""
    del now_us
    return []


def _touches(gap: Gap, candle: Candle) -> bool:
    since_ms, until_ms = gap.since_us // 1_000, (gap.until_us or 0) // 1_000
    is_within = candle.open_time_ms < until_ms and candle.close_time_ms > since_ms
    return gap.state != "repaired" and gap.market == candle.market and is_within


def train_at_once(job: TrainingJob, trained: Trained) -> None:
    trained(job.run())


class Served(NamedTuple):
    """Where a dashboard is, how to end its server, and what it serves."""

    address: str
    stop: Callable[[], None]
    store: Store
    markets: LiveMarkets


@contextmanager
def served(
    minutes: float,
    stalled_ms: int | None = None,
    faults: Faults = nothing,
    settings: ApiSettings | None = None,
) -> Iterator[Served]:
    """Serve the markets from a thread of their own.

    They may be said to be stalled, and what went wrong until now to be stored.
    """
    stopping = Event()
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(open_store(f"sqlite:///{folder}/realtime.sqlite")) as store,
        listen("127.0.0.1", 0) as listening,
    ):
        markets = LiveMarkets(
            minutes, listening, store, stalled_ms, faults, settings or ApiSettings()
        )
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        thread = Thread(target=lambda: asyncio.run(markets.serve(stopping)))
        thread.start()

        def stop() -> None:
            stopping.set()
            thread.join(10)
            assert not thread.is_alive()

        try:
            yield Served(address, stop, store, markets)
        finally:
            stop()
