"""The technical_indicators part: Candle in, Features out."""

from __future__ import annotations

from loguru import logger

from marketstream.errors import SettingsError
from marketstream.plan import Plan
from marketstream.ports import Part, Ports
from marketstream.topics import CANDLES
from technical_indicators.beginnings import Beginnings
from technical_indicators.feature_set import FeatureSet, FeatureSettings
from technical_indicators.looking_back import MOST, LookingBack
from technical_indicators.shadow import ShadowChecker
from technical_indicators.stage import technical_indicators_stage
from technical_indicators.unmade import Unmade


def build(plan: Plan, settings: FeatureSettings, ports: Ports) -> Part:
    """Return the part that makes the configured features of the plan's candles, and checks them."""
    feature_set = feature_set_of(plan, settings)
    stage = technical_indicators_stage(feature_set, plan)
    if feature_set.others:
        ports.listen([CANDLES], Unmade(feature_set).hear)
    if not settings.shadow_every_s or not can_be_checked(feature_set):
        return Part("technical_indicators", (stage,))
    beginnings = Beginnings(stage)
    checker = ShadowChecker(plan, feature_set, ports, beginnings)
    return Part(
        "technical_indicators",
        (beginnings.stage,),
        work=lambda: checker.run(settings.shadow_every_s),
    )


def can_be_checked(feature_set: FeatureSet) -> bool:
    """Say whether features can be computed anew while they are made; log it where they cannot."""
    if LookingBack.of(feature_set).window:
        return True
    logger.warning(
        "Features are not checked: a single close looks back on too many candles",
        timeframe=feature_set.timeframe, base=feature_set.base, most=MOST,
    )  # fmt: skip
    return False


def feature_set_of(plan: Plan, settings: FeatureSettings) -> FeatureSet:
    """Return the features of a plan's candles.

    SettingsError names a market that has no other to look at, where there are features of leaders.
    """
    feature_set = FeatureSet(plan.timeframe, plan.base, settings, plan.groups)
    for market in plan.markets if feature_set.of_leaders else ():
        others = len(plan.group(market)) - 1
        if others < feature_set.leaders:
            raise SettingsError(
                f"indicators: {feature_set.leader_names[-1]} is of another market, and {market} "
                f"has {others} beside it in its group, where {feature_set.leaders} are wanted: put "
                "it into a group with --group or GROUPS, or leave the indicator out"
            )
    return feature_set
