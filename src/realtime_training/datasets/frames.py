"""Recorded WebSocket frames through the stages that go before the predictor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from candles.stage import candles_stage
from marketstream.errors import InputError
from marketstream.messages import Features
from marketstream.plan import Plan
from marketstream.runners.in_process import InProcessRunner
from marketstream.symbols import market_of
from marketstream.topics import FEATURES
from predictor.training.history import FeatureHistory
from realtime_training.recorded_feed import feed_recording
from realtime_training.settings import Settings
from technical_indicators.feature_set import FeatureSet
from technical_indicators.stage import technical_indicators_stage

_MOST_ROWS = 50_000_000


def replay_features(
    files: Sequence[Path],
    symbol: str,
    plan: Plan,
    feature_set: FeatureSet,
    settings: Settings,
    advanced: Callable[[int], None] | None = None,
) -> FeatureHistory:
    """Return what the running system would remember of the frames: vectors, and prices at closes.

    Raises InputError where the files hold no trade of the symbol.
    """
    market = market_of(settings.trades.exchange, symbol)
    history = FeatureHistory(feature_set.names, plan.timeframe, plan.base, _MOST_ROWS)
    runner = InProcessRunner(
        [candles_stage(plan.candle_timeframes, leaps=True), technical_indicators_stage(feature_set)]
    )

    def remember(features: Features, _received_ns: int) -> None:
        history.append(features)

    runner.tap(FEATURES, remember)
    counts = feed_recording(files, market, plan.base, settings.trades, runner, advanced=advanced)
    if counts.trades == 0:
        raise InputError(
            f"no trades of {symbol} in {', '.join(map(str, files))} ({counts.frames} lines: "
            f"{counts.ignored} of other channels or symbols, {counts.dead_letters} unreadable): "
            "is --symbol right?"
        )
    return history
