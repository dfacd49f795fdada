"""The list of parts, and how they run together in one process: the only composition."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import replace

from loguru import logger
from prometheus_client import CollectorRegistry, disable_created_metrics

import candles.build
import prediction_api.build
import predictor.build
import storekeeper.build
import technical_indicators.build
import trades.build
from marketstream.errors import NetworkError
from marketstream.messages import Feed, Status
from marketstream.metrics import Metrics
from marketstream.plan import Plan
from marketstream.ports import Part, Ports, Work
from marketstream.runners.embedded import InProcessPorts
from marketstream.store.port import Store
from marketstream.store.sql import open_store
from marketstream.topics import STATUS
from prediction_api.http_server import listen
from predictor.chosen_features import check_computed
from predictor.training.requests import registry_uri
from realtime_training import report
from realtime_training.champions import ChampionsChanged
from realtime_training.clock import ReceiveClock
from realtime_training.commands.run.exchange import Exchange, connected_exchange
from realtime_training.commands.run.history import history_to_read, say_when_trained
from realtime_training.commands.run.options import SIMULATOR, RunOptions
from realtime_training.recall import recall_candles, recalled_from_ms
from realtime_training.settings import Settings
from realtime_training.taking_apart import ModelsAsked
from trades.session.rules import Known

_PREVIEW_EVERY_MS = 100
_SHOW_EVERY_S = 0.25
_LAST_WORDS_S = 3.0
_SWITCH_S = 0.0005  # the threads that read and write may not hold up a prediction for longer


def build_parts(
    plan: Plan,
    settings: Settings,
    ports: Ports,
    *,
    resumed: Mapping[str, Known],
    listening: socket.socket | None = None,
) -> dict[str, Part]:
    """Return all parts by name; what the API hears it hears before others.

    `resumed` says up to where trades are known once they are to be followed.
    """
    check_features(plan, settings)
    uri = registry_uri(settings.predictor.mlflow_tracking_uri, ports.state)
    models, champions = ModelsAsked(ports.state, uri), ChampionsChanged(uri)
    parts = [
        prediction_api.build.build(plan, settings.api, ports, listening, models, champions),
        trades.build.build(
            plan,
            settings.trades,
            ports,
            resumed=lambda: resumed,
            open_gaps=lambda market: ports.store().open_gaps(market),
        ),
        candles.build.build(plan, settings.candles, ports),
        technical_indicators.build.build(plan, settings.features, ports),
        predictor.build.build(plan, settings.predictor, ports),
        storekeeper.build.build(plan, settings.storekeeper, ports),
    ]
    return {part.name: part for part in parts}


def check_features(plan: Plan, settings: Settings) -> None:
    """Raise SettingsError where a model is to use what is not computed, or cannot be."""
    computed = technical_indicators.build.feature_set_of(plan, settings.features).names
    check_computed(settings.predictor.features, computed)


async def run(options: RunOptions, settings: Settings) -> None:
    """Run everything until Ctrl-C; raises what keeps it from starting, before anything starts."""
    sys.setswitchinterval(_SWITCH_S)
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for every counter, which nobody asks for
    with (
        contextlib.closing(listen(options.host, options.port)) as listening,
        contextlib.closing(open_store(f"sqlite:///{options.state / 'realtime.sqlite'}")) as store,
    ):
        async with connected_exchange(options) as exchange:
            await _System(options, settings, exchange, store, listening).run()


class _System:
    """The parts on in-process ports: made whole, then run."""

    def __init__(
        self,
        options: RunOptions,
        settings: Settings,
        exchange: Exchange,
        store: Store,
        listening: socket.socket,
    ) -> None:
        self._exchange = exchange
        self._is_recording = bool(options.recordings)
        settings = _told(settings, options, exchange)
        self._plan = Plan(
            exchange.markets,
            options.timeframe,
            options.horizons,
            settings.timeframes,
            options.latency_ms,
            options.groups_of(exchange.markets),
        )
        read_ms = history_to_read(self._plan, settings)
        if not self._is_recording:
            say_when_trained(self._plan, settings, read_ms, time.time_ns() // 1_000_000)
        past = settings.trades.model_copy(update={"history_minutes": -(-read_ms // 60_000)})
        self._settings = settings = replace(settings, trades=past)
        self._ports = InProcessPorts(
            Metrics(CollectorRegistry()),
            ReceiveClock(options.speed),
            options.state,
            store,
            speed=options.speed,
            preview_ms=_PREVIEW_EVERY_MS,
            later=asyncio.get_running_loop().call_soon,
        )
        self._resumed: dict[str, Known] = {}
        self._ended = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._history = dict.fromkeys(self._plan.markets, 0.0)
        self._ports.listen([STATUS], self._heard)
        features = technical_indicators.build.feature_set_of(self._plan, settings.features)
        self._beside = {
            each.timeframe: each.settles + 1
            for each in features.beside
            if each.timeframe in features.others
        }
        self._parts = build_parts(
            self._plan, settings, self._ports, resumed=self._resumed, listening=listening
        )
        for part in self._parts.values():
            self._ports.add(part)

    async def run(self) -> None:
        """Work until SIGINT or SIGTERM, or until a part fails."""
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        works = {name: part.work for name, part in self._parts.items()}
        works |= {"trades": self._follow, "history": self._show_history}
        self._tasks = {
            name: loop.create_task(_ending(stop, work))
            for name, work in works.items()
            if work is not None
        }
        await stop.wait()
        for task in self._tasks.values():
            task.cancel()
        ended = await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await asyncio.to_thread(self._ports.close)
        for failure in ended:
            if isinstance(failure, Exception):
                raise failure
        logger.info("Stopped")

    async def _follow(self) -> None:
        """Follow the exchange once what is stored is recalled; serve on after a recording's end."""
        await self._recall()
        work = self._parts["trades"].work
        if work is None:
            return
        following = asyncio.create_task(work())
        waited: list[asyncio.Task[None]] = [following]
        simulator = self._exchange.simulator
        if simulator is not None:
            waited.append(asyncio.create_task(simulator.ended()))
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                following.result()
            if self._is_recording:
                await asyncio.wait([asyncio.create_task(self._ended.wait())], timeout=_LAST_WORDS_S)
        finally:
            for task in waited:
                task.cancel()
            await asyncio.wait(waited)
        if not self._is_recording:
            raise NetworkError("the simulated exchange ended: start again")
        self._tasks["storekeeper"].cancel()  # the exchange that it could ask is gone
        logger.info("The recording has ended; its last predictions are served until Ctrl-C")

    async def _recall(self) -> None:
        minutes = self._settings.trades.history_minutes
        if not minutes:
            return
        for markets in dict.fromkeys(map(self._plan.group, self._plan.markets)):
            sources = self._settings.trades.sources(markets)
            from_ms = await recalled_from_ms(self._ports, sources, minutes * 60_000)
            self._resumed |= await recall_candles(
                self._plan, self._ports, markets, from_ms, self._beside
            )

    def _heard(self, status: Status, received_ns: int) -> None:
        del received_ns
        if isinstance(status.said, Feed):
            self._history[status.market] = status.said.history
            if status.said.ended:
                self._ended.set()

    async def _show_history(self) -> None:
        """Show how much of the past has been read, on a terminal, until all of it is."""
        with report.history(self._history) as read:
            while min(self._history.values()) < 1:
                await asyncio.sleep(_SHOW_EVERY_S)
                for market, share in self._history.items():
                    read(market, share)


def _told(settings: Settings, options: RunOptions, exchange: Exchange) -> Settings:
    """Return the settings with what the options say instead."""
    past = {"history_minutes": 0} if options.recordings else {}  # nobody could be asked for it
    hosts: dict[str, object] = {"hosts": {**settings.trades.hosts, **exchange.hosts}}
    if options.exchange not in (None, SIMULATOR):
        hosts["exchange"] = options.exchange
    books = {"levels": options.levels, "context": options.context or settings.trades.context}
    alone = {"instance": 0, "instances": 1}
    every_s = max(1, options.retrain_every_ms // 1_000)
    training = settings.predictor.training.model_copy(update={"retrain_interval": every_s})
    return replace(
        settings,
        trades=settings.trades.model_copy(update=hosts | past | alone | books),
        storekeeper=settings.storekeeper.model_copy(update=hosts),
        predictor=settings.predictor.model_copy(update={"training": training}),
    )


async def _ending(stop: asyncio.Event, work: Work) -> None:
    """Do some work; where it fails, everything ends."""
    try:
        await work()
    except Exception:
        stop.set()
        raise
