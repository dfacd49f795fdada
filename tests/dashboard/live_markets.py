"""Made-up markets that go on in real time, and the API and dashboard on them."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import NamedTuple

import uvicorn

from exchange_simulator import SeededMarket
from exchange_simulator.market.messages import trades_messages
from marketstream.messages import Candle, Outcome, Prediction
from marketstream.plan import Plan
from marketstream.scoring import Score, Scoreboard
from marketstream.topics import CANDLES, OUTCOMES, PREDICTIONS, TRADES
from prediction_api.routes.app import build_app
from prediction_api.routes.dashboard import Dashboard
from prediction_api.views.board import PredictionBoard
from prediction_api.views.live import LiveView
from prediction_api.views.state import FeedState, ModelState, SystemState, WarmingUp
from predictor.settings import PredictorSettings
from predictor.training.retraining import Trained, TrainingJob
from realtime_training.pipeline import Pipeline
from technical_indicators.feature_set import FeatureSettings

MARKETS = ("simulator:BTC/USDT", "simulator:ETH/USDT")
HORIZONS_MS = (1_000, 2_000, 5_000, 10_000)


class LiveMarkets:
    """Two made-up markets, some minutes old, that go on in real time, with all that is served."""

    def __init__(self, minutes: float) -> None:
        self.seen_us = time.time_ns() // 1_000_000_000 * 1_000_000
        self.tapes = {market: SeededMarket(market.split(":")[1], 7) for market in MARKETS}
        self.board = PredictionBoard(MARKETS, now_ns=time.time_ns)
        self.live = LiveView(MARKETS, "1s", HORIZONS_MS)
        self.scoreboards = {market: Scoreboard() for market in MARKETS}
        self.pipeline = Pipeline(
            Plan(MARKETS, "1s", (1, 2, 5, 10)),
            FeatureSettings(),
            PredictorSettings(),
            retrain_every_ms=3_600_000,
            execute=train_at_once,
        )
        runner = self.pipeline.runner
        runner.tap(TRADES, self.board.saw)
        runner.tap(CANDLES, self.saw_candle)
        runner.tap(PREDICTIONS, self.predicted)
        runner.tap(OUTCOMES, self.happened)
        end_us, self.seen_us = self.seen_us, self.seen_us - int(minutes * 60_000_000)
        self.trade(end_us)

    def trade(self, until_us: int) -> None:
        for market, tape in self.tapes.items():
            for message in trades_messages(tape, market, self.seen_us, until_us):
                self.pipeline.runner.publish(message, time.time_ns())
        self.seen_us = until_us

    def saw_candle(self, candle: Candle, _received_ns: int) -> None:
        self.live.saw_candle(candle)

    def predicted(self, prediction: Prediction, received_ns: int) -> None:
        self.live.predicted(prediction, self.board.publish(prediction, received_ns))
        self.scoreboards[prediction.market].predicted(prediction)

    def happened(self, outcome: Outcome, _received_ns: int) -> None:
        self.live.happened(outcome)
        self.scoreboards[outcome.market].happened(outcome)

    def state(self, market: str) -> SystemState:
        models = {
            horizon_ms: ModelState(m.champion.name, m.version, m.trained_at_ms, m.rows, 1)
            for horizon_ms, m in self.pipeline.predictor(market).models.items()
        }
        return SystemState(FeedState("simulator", True, 0, 0), models)

    def score(self, market: str, horizon_ms: int) -> Score:
        return self.scoreboards[market].score(horizon_ms)

    def warming_up(self, market: str) -> WarmingUp:
        progress = self.pipeline.retrainers[market].progress
        return WarmingUp(f"{market} warms up", progress.seen_ms, progress.needed_ms)

    async def serve(self, listening: socket.socket, stop: Event) -> None:
        app = build_app(
            self.board,
            warming_up=self.warming_up,
            render_metrics=lambda: b"",
            details=lambda market: {},
            dashboard=Dashboard(self.live, self.state, self.score),
        )
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not stop.is_set():
            now_us = time.time_ns() // 250_000_000 * 250_000
            if now_us > self.seen_us:
                self.trade(now_us)
            await asyncio.sleep(0.05)
        server.should_exit = True
        self.live.close()
        await serving


def train_at_once(job: TrainingJob, trained: Trained) -> None:
    trained(job.run())


class Served(NamedTuple):
    """Where a dashboard is, and how to end its server."""

    address: str
    stop: Callable[[], None]


@contextmanager
def served(minutes: float) -> Iterator[Served]:
    """Serve the markets from a thread of their own."""
    markets = LiveMarkets(minutes)
    stopping = Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=lambda: asyncio.run(markets.serve(listening, stopping)))
        thread.start()

        def stop() -> None:
            stopping.set()
            thread.join(10)
            assert not thread.is_alive()

        try:
            yield Served(f"http://127.0.0.1:{listening.getsockname()[1]}/", stop)
        finally:
            stop()
