"""How many candles a window of closes takes to be computed anew, and how long one may be."""

from __future__ import annotations

from typing import NamedTuple

from marketstream.timeframes import timeframe_ms
from technical_indicators.feature_set import FeatureSet
from technical_indicators.microstructure import Microstructure

MOST = 20_000  # candles that are read for a window, of all series together: some 25 MB
WINDOW = 60  # closes


class LookingBack(NamedTuple):
    """How far features look back, and the closes of a window: 0 where one takes too many candles.

    `reach_ms` is how far any feature does, `closes_ms` those of the timeframe decided on, `base_ms`
    those of base candles, and each of another timeframe as far as it says itself.
    """

    reach_ms: int
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
        reach_ms = max([closes_ms, *(each.reach_ms for each in beside)])
        return cls(reach_ms, closes_ms, base_ms, max(0, min(WINDOW, window)))
