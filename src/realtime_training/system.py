"""The list of parts, and how they run together in one process: the only composition."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Any

from loguru import logger
from prometheus_client import CollectorRegistry, disable_created_metrics

import candles.build
import prediction_api.build
import predictor.build
import storekeeper.build
import technical_indicators.build
import trades.build
from marketstream.errors import NetworkError, SettingsError, StateError
from marketstream.metrics import Metrics
from marketstream.plan import Plan
from marketstream.ports import Part, Ports
from marketstream.runners.embedded import InProcessPorts
from marketstream.store.port import Store
from marketstream.store.sql import open_store
from marketstream.symbols import market_of
from prediction_api.http_server import listen, say_where
from realtime_training.clock import ReceiveClock
from realtime_training.commands.run.exchange import Exchange, connected_exchange
from realtime_training.commands.run.options import RunOptions
from realtime_training.recall import recall_candles
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
