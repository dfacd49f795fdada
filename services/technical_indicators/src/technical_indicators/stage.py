"""The technical_indicators service as a stage: Candle in, Features out."""

from __future__ import annotations

from marketstream.stage import Stage
from marketstream.topics import CANDLES, FEATURES
from technical_indicators.feature_set import FeatureSet
from technical_indicators.operator import FeatureEngine


def technical_indicators_stage(feature_set: FeatureSet) -> Stage:
    """Return the stage that makes these features."""
    keep = feature_set.candles_needed()
    return Stage(
        name="technical_indicators",
        reads=(CANDLES,),
        writes=(FEATURES,),
        make_operator=lambda market: FeatureEngine(market, feature_set, keep),
    )
