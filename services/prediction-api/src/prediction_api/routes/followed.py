"""Which feed is asked to be followed: of directions, or of how far by its target."""

from __future__ import annotations

from collections.abc import Sequence

from marketstream.plan import Plan
from prediction_api.routes.parameters import (
    asked_horizons_ms,
    asked_move,
    asked_move_horizons_ms,
)
from prediction_api.views.feed import PredictionFeed
from prediction_api.views.market_views import MarketViews


def asked_feed(
    plan: Plan, views: MarketViews, horizons: Sequence[str] | None, target: str | None
) -> tuple[PredictionFeed, frozenset[int] | None]:
    """Return the feed and the horizons of it, None for all; raises BadParameterError."""
    move = asked_move(target)
    if move is None:
        return views.feed, asked_horizons_ms(plan, horizons)
    return views.move_feeds[move], asked_move_horizons_ms(plan, horizons)
