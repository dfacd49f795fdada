"""The API on Kafka: it listens to the topics, recalls the store, and answers over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from typing import Any

import uvicorn
from loguru import logger

from marketstream.errors import StateError
from marketstream.messages import Candle, Outcome, Prediction
from marketstream.runners.kafka.tap import KafkaTap
from marketstream.service import Service
from marketstream.store.port import Store
from marketstream.store.rows import ModelRow
from marketstream.topics import CANDLES, OUTCOMES, PREDICTIONS, TRADES
from prediction_api.http_server import HttpServer, listen, say_where
from prediction_api.routes.app import build_app
from prediction_api.routes.dashboard import Dashboard
from prediction_api.settings import ApiSettings
from prediction_api.views.board import PredictionBoard, Seen
from prediction_api.views.following import Following
from prediction_api.views.live import LiveView
from prediction_api.views.overview import Overview

_RECALLED_MS = 3_600_000
_LOOK_EVERY_S = 10.0


class Serving:
    """Follows the markets of the plan; every instance of the API follows all of them."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._settings = service.settings(ApiSettings)
        plan = self._plan = service.plan
        self._board = PredictionBoard(
            plan.markets, now_ns=time.time_ns, stale_after_ms=self._settings.stale_after_ms
        )
        self._view = LiveView(plan.markets, plan.timeframe, plan.horizons_ms)
        self._following = Following(self._board, self._view, service.metrics)
        self._overview = Overview(plan, self._board, self._following, service.metrics)

    async def run(self) -> None:
        """Serve until SIGINT or SIGTERM."""
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        listening = listen(self._settings.host, self._settings.port)
        with contextlib.closing(listening), self._service.store() as (store, _):
            # Listening begins here, and only then the store is read: nothing falls in between.
            tap = await asyncio.to_thread(self._tap, loop)
            await asyncio.to_thread(self._recall, store)
            server = HttpServer(self._api())
            waited: set[asyncio.Task[Any]] = {
                loop.create_task(server.serve(sockets=[listening])),
                loop.create_task(asyncio.to_thread(tap.run)),
                loop.create_task(self._look_at_models(store)),
                loop.create_task(stop.wait()),
            }
            self._service.ready()
            say_where(listening, self._board.symbols)
            done, left = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            server.should_exit = True
            self._view.close()
            tap.stop()
            for task in left:
                if task.get_coro().__name__ != "serve":  # type: ignore[union-attr]
                    task.cancel()
            await asyncio.wait(waited)
            for task in done:
                task.result()

    def _tap(self, loop: asyncio.AbstractEventLoop) -> KafkaTap:
        def heard(message: Any, received_ns: int) -> None:
            if message.market not in self._following.scoreboards:
                return  # a market of somebody else's plan
            if isinstance(message, Seen):  # hundreds a second: none is worth a turn of the loop
                self._following.saw_trades(message, received_ns)
            else:
                loop.call_soon_threadsafe(self._heard, message, received_ns)

        topics = (TRADES._replace(message=Seen), CANDLES, PREDICTIONS, OUTCOMES)
        return KafkaTap(self._service.kafka, topics, heard)

    def _heard(self, message: Any, received_ns: int) -> None:
        match message:
            case Prediction():
                self._following.predicted(message, received_ns)
            case Candle():
                self._following.saw_candle(message)
                self._overview.saw_candle(message)
            case Outcome():
                self._following.happened(message)

    def _recall(self, store: Store) -> None:
        now_ms = time.time_ns() // 1_000_000
        for market in self._plan.markets:
            window = (market, self._plan.timeframe, now_ms - _RECALLED_MS, now_ms + _RECALLED_MS)
            self._following.recall(
                store.candles(*window), store.predictions(*window), store.outcomes(*window)
            )

    async def _look_at_models(self, store: Store) -> None:
        """Look now and then which models were trained last; answers do not need the store."""
        while True:
            try:
                rows = await asyncio.to_thread(self._latest_models, store)
            except StateError as error:
                logger.warning("Cannot look which models serve", reason=str(error))
            else:
                for row in rows:
                    self._overview.trained(row)
            await asyncio.sleep(_LOOK_EVERY_S)

    def _latest_models(self, store: Store) -> list[ModelRow]:
        plan = self._plan
        found = (
            store.latest_model(market, plan.timeframe, horizon_ms)
            for market in plan.markets
            for horizon_ms in plan.horizons_ms
        )
        return [row for row in found if row is not None]

    def _api(self) -> uvicorn.Config:
        overview = self._overview
        app = build_app(
            self._board,
            warming_up=overview.warming_up,
            render_metrics=overview.render_metrics,
            details=overview.details,
            dashboard=Dashboard(self._view, overview.system, overview.score),
            metrics=self._service.metrics,
        )
        return uvicorn.Config(app, log_config=None, access_log=False)
