"""The technical_indicators service as a stage: Candle in, Features out."""

from __future__ import annotations

from marketstream.plan import Plan
from marketstream.stage import Stage
from marketstream.topics import CANDLES, FEATURES
from technical_indicators.feature_set import FeatureSet
from technical_indicators.group_operator import GroupEngine
from technical_indicators.operator import FeatureEngine


def technical_indicators_stage(feature_set: FeatureSet, plan: Plan | None = None) -> Stage:
    """Return the stage that makes these features; those of leaders by the groups of a plan."""
    keep = feature_set.candles_needed()
    if plan is None or not feature_set.of_leaders:
        return Stage(
            name="technical_indicators",
            reads=(CANDLES,),
            writes=(FEATURES,),
            make_operator=lambda market: FeatureEngine(market, feature_set, keep),
        )
    return Stage(
        name="technical_indicators",
        reads=(CANDLES,),
        writes=(FEATURES,),
        key=lambda candle: plan.group_of(candle.market),
        make_operator=lambda group: GroupEngine(plan.group(group), feature_set, keep),
    )
