"""Recorded WebSocket frames through the stages that go before the predictor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from candles.stage import candles_stage
from marketstream.errors import InputError
from marketstream.messages import Features
from marketstream.plan import Plan
from marketstream.runners.in_process import InProcessRunner
from marketstream.symbols import market_of, split_market
from marketstream.topics import FEATURES
from predictor.training.history import FeatureHistory
from realtime_training.recorded_feed import feed_together
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
    beside: Mapping[str, Sequence[Path]] | None = None,
) -> FeatureHistory:
    """Return what the running system would remember of the frames: vectors, and prices at closes.

    Frames of the markets `beside`, of the plan's group, are taken in as they were received. Raises
    InputError where the files hold no trade of the symbol, or of one of those.
    """
    market = market_of(settings.trades.exchange, symbol)
    together = {market: files, **(beside or {})}
    history = FeatureHistory(feature_set.names, plan.timeframe, plan.base, _MOST_ROWS)
    runner = InProcessRunner(
        [
            candles_stage(plan.candle_timeframes, leaps=True),
            technical_indicators_stage(feature_set, plan),
        ]
    )

    def remember(features: Features, _received_ns: int) -> None:
        if features.market == market:
            history.append(features)

    runner.tap(FEATURES, remember)
    found = feed_together(together, plan.base, settings.trades, runner, advanced=advanced)
    for told, counts in found.items():
        if counts.trades == 0:
            raise InputError(
                f"no trades of {split_market(told)[1]} in {', '.join(map(str, together[told]))} "
                f"({counts.frames} lines: {counts.ignored} of other channels or symbols, "
                f"{counts.dead_letters} unreadable): is --symbol right?"
            )
    return history
