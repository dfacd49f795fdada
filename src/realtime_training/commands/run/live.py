"""All services, the API and the exchange's feed in one process, until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any

import uvicorn
from loguru import logger
from prometheus_client import CollectorRegistry, disable_created_metrics

from exchanges.client import RestClient
from marketstream.errors import NetworkError
from marketstream.metrics import Metrics
from marketstream.parity import Parity
from marketstream.plan import Plan
from marketstream.store.port import Store
from marketstream.store.sql import open_store
from marketstream.store.writer import StoreWriter
from marketstream.symbols import market_of
from marketstream.timeframes import timeframe_ms
from prediction_api.http_server import HttpServer, listen, say_where
from prediction_api.routes.app import build_app
from prediction_api.routes.dashboard import Dashboard
from prediction_api.views.board import PredictionBoard
from prediction_api.views.following import Following
from prediction_api.views.live import LiveView
from predictor.policy.installation import note_installed
from predictor.training.fitting import TrainedModel
from predictor.training.process import Registration, TrainerProcess, registry_uri
from realtime_training import report
from realtime_training.clock import ReceiveClock
from realtime_training.commands.run.exchange import Exchange, connected_exchange
from realtime_training.commands.run.history import history_to_read, say_when_trained
from realtime_training.commands.run.options import RunOptions
from realtime_training.commands.run.recorder import Recorder
from realtime_training.commands.run.startup import Startup
from realtime_training.commands.run.status import Status
from realtime_training.pipeline import Pipeline
from realtime_training.settings import Settings
from trades.auditor import Auditor
from trades.batchers import heartbeat_s, make_batchers
from trades.batching import TradesBatcher
from trades.feed import Feed
from trades.gate import Gate
from trades.repair import Repair

_PREVIEW_EVERY_MS = 100
_SWITCH_S = 0.0005  # the threads that read and write may not hold up a prediction for longer


async def run(options: RunOptions, settings: Settings) -> None:
    """Run everything until Ctrl-C; raises what keeps it from starting, before anything starts."""
    sys.setswitchinterval(_SWITCH_S)
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for every counter, which nobody asks for
    listening = listen(options.host, options.port)
    path = f"sqlite:///{options.state / 'realtime.sqlite'}"
    with contextlib.closing(listening), contextlib.closing(open_store(path)) as store:
        async with connected_exchange(options, settings) as exchange:
            await _Live(options, settings, exchange, store, listening).run()


class _Live:
    """The running system: made whole, then run."""

    def __init__(
        self,
        options: RunOptions,
        settings: Settings,
        exchange: Exchange,
        store: Store,
        listening: socket.socket,
    ) -> None:
        self._options = options
        self._settings = settings
        self._exchange = exchange
        self._listening = listening
        self._clock = ReceiveClock(options.speed)
        self._metrics = Metrics(CollectorRegistry())
        self._writer = StoreWriter(store, metrics=self._metrics)
        markets = tuple(market_of(options.venue, symbol) for symbol in exchange.symbols)
        plan = Plan(
            markets,
            options.timeframe,
            options.horizons,
            tuple(settings.candles.timeframes),
            options.latency_ms,
        )
        self._pipeline = Pipeline(
            plan,
            settings.features,
            settings.predictor,
            retrain_every_ms=options.retrain_every_ms,
            execute=lambda job, trained: self._trainer.execute(job, trained),
            installed=self._installed,
            preview_ms=_PREVIEW_EVERY_MS,
            later=asyncio.get_running_loop().call_soon,
        )
        self._trainer = TrainerProcess(
            self._metrics,
            Registration(
                registry_uri(settings.system, options.state), options.timeframe, options.state
            ),
        )
        self._board = PredictionBoard(
            markets,
            now_ns=self._clock,
            speed=options.speed,
            stale_after_ms=round(settings.api.stale_after_ms * max(1.0, options.speed)),
        )
        self._view = LiveView(markets, options.timeframe, plan.horizons_ms)
        self._following = Following(self._board, self._view, self._metrics)
        Recorder(self._pipeline.runner, self._following, self._writer, self._metrics)
        self._parities = {market: Parity() for market in markets}
        self._auditor = Auditor(
            store, exchange.rest_url, self._parities, plan.candle_timeframes, self._metrics
        )
        self._auditing: asyncio.Task[None] | None = None
        self._trainings: Counter[tuple[str, int]] = Counter()
        self._store = store
        self._batchers: dict[str, TradesBatcher] = {}
        # A recording has no past that the exchange could be asked for.
        self._has_past = not options.recordings and settings.trades.history_minutes > 0
        self._gate = Gate(markets if self._has_past else (), self._pipeline.runner.publish)
        self._history_read = dict.fromkeys(markets, 0.0) if self._has_past else {}

    async def run(self) -> None:
        """Serve and follow the exchange until SIGINT or SIGTERM."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        try:
            plan = self._pipeline.plan
            self._batchers = await make_batchers(
                plan.markets,
                self._exchange.rest_url,
                base_ms=timeframe_ms(plan.base),
                grace_ms=self._settings.trades.grace_ms,
                speed=self._options.speed,
            )
            repair = self._make_repair()
            feed = self._make_feed(repair)
            server = HttpServer(self._api(feed))
            serving = loop.create_task(server.serve(sockets=[self._listening]))
            following = loop.create_task(self._follow(feed))
            stopping = loop.create_task(stop.wait())
            starting = loop.create_task(self._start(feed, repair))
            repairing = loop.create_task(repair.run(self._exchange.rest_url, feed.answered))
            say_where(self._listening, self._exchange.symbols)
            past_ms = history_to_read(plan, self._settings) if self._has_past else 0
            if not self._options.recordings:
                say_when_trained(plan, self._settings, past_ms, self._clock() // 1_000_000)
            waited: set[asyncio.Task[Any]] = {serving, following, stopping, starting, repairing}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            server.should_exit = True
            self._view.close()
            for task in waited - {serving}:
                task.cancel()
            await asyncio.wait(waited)
            for task in waited:
                if not task.cancelled():
                    task.result()
        finally:
            self._trainer.stop()
            await asyncio.to_thread(self._writer.close)
            logger.info("Stopped")

    async def _follow(self, feed: Feed) -> None:
        """Follow the exchange; after the end of a recording, go on serving what there is."""
        following = asyncio.create_task(feed.run())
        waited: list[asyncio.Task[None]] = [following]
        simulator = self._exchange.simulator
        if simulator is not None:
            waited.append(asyncio.create_task(simulator.ended()))
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                following.result()
            if not self._options.recordings:
                raise NetworkError("the simulated exchange ended: start again")
        finally:
            for task in waited:
                task.cancel()
        self._board.end()
        if self._auditing is not None:
            self._auditing.cancel()  # the exchange that could be asked is gone
        logger.info(
            "The recording has ended; its last predictions are served until Ctrl-C",
            trades=feed.counts.trades,
        )
        await asyncio.Event().wait()

    async def _start(self, feed: Feed, repair: Repair) -> None:
        """Read the past, let live trades join, have models trained; audit candles from then on."""
        if self._has_past:
            retrainers = self._pipeline.retrainers.values()
            for retrainer in retrainers:
                retrainer.hold()
            await asyncio.gather(self._restore_champions(), self._read_history(feed, repair))
            for retrainer in retrainers:
                retrainer.begin()
        self._auditing = asyncio.create_task(self._auditor.run(self._settings.trades.audit_every_s))
        await asyncio.wait([self._auditing])
        if not self._auditing.cancelled():
            self._auditing.result()
        await asyncio.Event().wait()

    async def _read_history(self, feed: Feed, repair: Repair) -> None:
        await feed.answered.wait()  # subscribed: now nothing falls between past and live
        with report.history(self._history_read) as read:
            async with RestClient(self._exchange.rest_url) as client:
                startup = Startup(
                    self._pipeline,
                    self._store,
                    client,
                    self._gate,
                    repair,
                    history_ms=history_to_read(self._pipeline.plan, self._settings),
                    recall=lambda predictions, outcomes: self._following.recall(
                        (), predictions, outcomes
                    ),
                    read=read,
                )
                await startup.fill_all()

    async def _restore_champions(self) -> None:
        """Serve what served before a stop, until the first training of this start."""
        plan = self._pipeline.plan
        found = await self._trainer.champions(
            plan.markets, plan.horizons_ms, self._pipeline.feature_set.version
        )
        for market, models in found.items():
            self._pipeline.retrainers[market].restore(models)

    def _make_repair(self) -> Repair:
        return Repair(
            self._batchers,
            self._gate,
            self._pipeline.runner.publish,
            self._metrics,
            base_ms=timeframe_ms(self._pipeline.plan.base),
            hold_s=self._settings.trades.hold_s,
        )

    def _make_feed(self, repair: Repair) -> Feed:
        return Feed(
            self._exchange.adapter(self._exchange.symbols, self._options.venue),
            self._batchers,
            ws_url=self._exchange.ws_url,
            publish=repair,
            publish_dead_letter=self._pipeline.runner.publish,
            lost=repair.lost,
            silence_s=self._settings.trades.silence_s,
            heartbeat_s=heartbeat_s(timeframe_ms(self._pipeline.plan.base), self._options.speed),
            clock=self._clock,
        )

    def _installed(self, market: str, models: Mapping[int, TrainedModel]) -> None:
        if not self._trainings:
            # What is there by now stays: a full collection over it would hold up predictions.
            gc.collect()
            gc.freeze()
        for model in models.values():
            self._trainings[market, model.horizon_ms] += 1
        note_installed(
            market, self._options.timeframe, models.values(),
            writer=self._writer, metrics=self._metrics,
        )  # fmt: skip

    def _api(self, feed: Feed) -> uvicorn.Config:
        status = Status(
            self._options.venue,
            self._pipeline,
            self._board,
            self._following.scoreboards,
            self._metrics,
            batchers=self._batchers,
            feed=feed,
            trainings=self._trainings,
            parities=self._parities,
            history=self._history_read,
        )
        app = build_app(
            self._board,
            warming_up=status.warming_up,
            render_metrics=status.render_metrics,
            details=status.details,
            dashboard=Dashboard(self._view, status.system, status.score),
            metrics=self._metrics,
        )
        return uvicorn.Config(app, log_config=None, access_log=False)
