"""How far features look back, and how long a window of closes may be to be computed anew."""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

from marketstream.timeframes import timeframe_ms
from technical_indicators.feature_set import FeatureSet
from technical_indicators.microstructure import Microstructure, names_of
from technical_indicators.settling import candles_to_settle

MOST = 20_000  # candles that are read for a window, of all series together: some 25 MB
WINDOW = 60  # closes


class LookingBack(NamedTuple):
    """How far features look back, and the closes of a window: 0 where one takes too many candles.

    `closes_ms` is how far those of the timeframe decided on do, `base_ms` those of base candles,
    and each of another timeframe as far as it says itself.
    """

    closes_ms: int
    base_ms: int
    window: int

    @classmethod
    def of(cls, feature_set: FeatureSet) -> LookingBack:
        """Return how far the features of a set look back."""
        length_ms, base_length_ms = (
            timeframe_ms(feature_set.timeframe),
            timeframe_ms(feature_set.base),
        )
        beside = feature_set.beside
        flow = Microstructure(feature_set.base, feature_set.spans).window
        settles = [each.settles for each in feature_set.of_base]
        settles += [each.settles for each in beside if each.timeframe == feature_set.base]
        base = max(flow, feature_set.leader_candles, *settles) + 2  # it changes against one before
        decided = [each.settles + 2 for each in beside if each.timeframe == feature_set.timeframe]
        own = max(feature_set.candles_needed(), *decided, 0)
        closes = max(own, -(-base * base_length_ms // length_ms))
        series, finer = 1 + feature_set.leaders, length_ms / base_length_ms
        others = sum(each.settles + 3 for each in beside)
        finer = series * finer + sum(length_ms / each.length_ms for each in beside)
        window = int((MOST - closes - 1 - series * base - others) / (1 + finer))
        closes_ms, base_ms = closes * length_ms, base * base_length_ms
        return cls(closes_ms, base_ms, max(0, min(WINDOW, window)))


class Reach(NamedTuple):
    """How far features look back: `timeframe` is of candles that they read alone, else None."""

    reach_ms: int
    timeframe: str | None = None


def reaches_of(feature_set: FeatureSet) -> list[Reach]:
    """Return the reach of each feature, in the order of the set's names.

    What fades is given a quarter more than it was measured to need: prices differ in their scale.
    """
    length_ms, base_ms = timeframe_ms(feature_set.timeframe), timeframe_ms(feature_set.base)

    def of_base(candles: int) -> Reach:
        return Reach(max(length_ms, (candles + 2) * base_ms))  # it changes against one before

    flow = Microstructure(feature_set.base, feature_set.spans).window
    reaches: list[Reach] = []
    for indicator in feature_set.indicators:
        own_ms = ceil(1.25 * candles_to_settle([indicator])) * length_ms
        reaches += [Reach(own_ms)] * len(indicator.names)
    reaches += [of_base(flow)] * len(names_of(feature_set.spans))
    for each in feature_set.of_base:
        reaches += [of_base(each.settles)] * len(each.names)
    for other in feature_set.beside:
        alone = other.timeframe if other.timeframe in feature_set.others else None
        reaches += [Reach(other.reach_ms, alone)] * len(other.names)
    for leader in feature_set.of_leaders:
        reaches += [of_base(leader.settles)] * len(leader.names)
    return reaches
