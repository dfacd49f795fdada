"""The list of parts, and how they run together in one process: the only composition."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys

from prometheus_client import CollectorRegistry, disable_created_metrics

import candles.build
import prediction_api.build
import predictor.build
import storekeeper.build
import technical_indicators.build
import trades.build
from marketstream.errors import SettingsError
from marketstream.metrics import Metrics
from marketstream.plan import Plan
from marketstream.ports import Part, Ports
from marketstream.runners.embedded import InProcessPorts
from marketstream.store.port import Store
from marketstream.symbols import market_of
from prediction_api.http_server import listen
from realtime_training.clock import ReceiveClock
from realtime_training.commands.run.exchange import Exchange, connected_exchange
from realtime_training.commands.run.options import RunOptions
from realtime_training.settings import Settings
from technical_indicators.feature_set import FeatureSet

_PREVIEW_EVERY_MS = 100
_SWITCH_S = 0.0005  # the threads that read and write may not hold up a prediction for longer


def build_parts(plan: Plan, settings: Settings, ports: Ports) -> list[Part]:
    """Return the parts of the whole system; what the API hears, it hears before others."""
    _check_features(plan, settings)
    return [
        prediction_api.build.build(plan, settings.api, ports),
        trades.build.build(plan, settings.trades, ports),
        candles.build.build(plan, settings.candles, ports),
        technical_indicators.build.build(plan, settings.features, ports),
        predictor.build.build(plan, settings.predictor, ports),
        storekeeper.build.build(plan, settings.storekeeper, ports),
    ]


def _check_features(plan: Plan, settings: Settings) -> None:
    computed = FeatureSet(plan.timeframe, plan.base, settings.features).names
    unknown = sorted(set(settings.predictor.features) - set(computed))
    if unknown:
        raise SettingsError(
            f"features: {unknown[0]} is not computed: add it to "
            f"technical_indicators/config.yaml, or choose among {', '.join(computed)}"
        )


async def run(options: RunOptions, settings: Settings) -> None:
    """Run everything until Ctrl-C; raises what keeps it from starting, before anything starts."""
    sys.setswitchinterval(_SWITCH_S)
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for every counter, which nobody asks for
    with (
        contextlib.closing(listen(options.host, options.port)) as listening,
        contextlib.closing(_opened_store(options)) as store,
    ):
        async with connected_exchange(options, settings) as exchange:
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
        self._listening = listening
        self._settings = settings
        self._plan = Plan(
            tuple(market_of(options.venue, symbol) for symbol in exchange.symbols),
            options.timeframe,
            options.horizons,
            tuple(settings.candles.timeframes),
            options.latency_ms,
        )
        self._ports = InProcessPorts(
            Metrics(CollectorRegistry()),
            ReceiveClock(options.speed),
            options.state,
            store,
            speed=options.speed,
            preview_ms=_PREVIEW_EVERY_MS,
            later=asyncio.get_running_loop().call_soon,
        )
