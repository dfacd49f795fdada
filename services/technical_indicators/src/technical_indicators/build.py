"""The technical_indicators part: Candle in, Features out."""

from __future__ import annotations

from marketstream.plan import Plan
from marketstream.ports import Part, Ports
from technical_indicators.feature_set import FeatureSet, FeatureSettings
from technical_indicators.stage import technical_indicators_stage


def build(plan: Plan, settings: FeatureSettings, ports: Ports) -> Part:
    """Return the part that makes the configured features of the plan's candles."""
    del ports
    feature_set = FeatureSet(plan.timeframe, plan.base, settings)
    return Part("technical_indicators", (technical_indicators_stage(feature_set),))
