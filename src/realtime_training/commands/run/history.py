"""How much of the past a start reads, and when there is enough of it for a first training."""

from __future__ import annotations

from datetime import UTC, datetime

from loguru import logger

from marketstream.plan import Plan
from marketstream.timeframes import timeframe_ms
from predictor.training.needed import needed_ms
from realtime_training.settings import Settings

_MOST_READ_MS = 6 * 3_600_000  # of trades, one by one; beyond that it is quicker to wait


def needed_history(plan: Plan, settings: Settings) -> int:
    """Return how many ms of a market a first training needs at least."""
    return needed_ms(plan, settings.predictor.training)


def history_to_read(plan: Plan, settings: Settings) -> int:
    """Return how many ms of the past a start asks the exchange for, 0 where it is not to ask.

    They are those that are configured, or what a first training needs where that is more, up to six
    hours.
    """
    configured_ms = settings.trades.history_minutes * 60_000
    if not configured_ms:
        return 0
    return max(configured_ms, min(needed_history(plan, settings), _MOST_READ_MS))


def say_when_trained(plan: Plan, settings: Settings, read_ms: int, now_ms: int) -> None:
    """Log what is missing for a first training, and until when, where the past is not enough."""
    needed_ms = needed_history(plan, settings)
    if read_ms >= needed_ms:
        return
    begins = datetime.fromtimestamp((now_ms + needed_ms - read_ms) / 1_000, UTC)
    logger.info(
        "The first training needs more than there is of the past; until then nothing is predicted",
        candles_needed=needed_ms // timeframe_ms(plan.timeframe),
        timeframe=plan.timeframe,
        candles_of_the_past=read_ms // timeframe_ms(plan.timeframe),
        at_the_earliest=begins.isoformat(timespec="minutes"),
    )
