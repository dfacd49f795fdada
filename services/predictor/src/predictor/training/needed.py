"""How much of a market has to be seen before there can be a first model."""

from __future__ import annotations

from marketstream.plan import Plan
from marketstream.timeframes import timeframe_ms
from predictor.settings import TrainingSettings

_EDGES = 2  # the first candle lacks its beginning, and the last one has not closed


def needed_ms(plan: Plan, training: TrainingSettings) -> int:
    """Return how many ms of a market a first training needs at least, where every close moves.

    Rows are closes; the newest of them have no label yet, and some are left out between what is
    learnt from and what judges it.
    """
    closes = training.fewest_moved + max(plan.horizons) + training.embargo + _EDGES
    return max(training.first_after * 1_000, closes * timeframe_ms(plan.timeframe))
