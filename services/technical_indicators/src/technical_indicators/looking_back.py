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

    `reach_ms` is how far any feature does, `base_ms` how far those of base candles do.
    """

    reach_ms: int
    base_ms: int
    window: int

    @classmethod
    def of(cls, feature_set: FeatureSet) -> LookingBack:
        """Return how far the features of a set look back."""
        length_ms, base_length_ms = (
            timeframe_ms(feature_set.timeframe),
            timeframe_ms(feature_set.base),
        )
        flow = Microstructure(feature_set.base, feature_set.spans).window
        settles = (each.settles for each in feature_set.of_base)
        base = max(flow, feature_set.leader_candles, *settles) + 2  # it changes against one before
        closes = max(feature_set.settled_after(), -(-base * base_length_ms // length_ms))
        series, finer = 1 + feature_set.leaders, length_ms // base_length_ms
        window = (MOST - closes - 1 - series * base) // (1 + series * finer)
        return cls(closes * length_ms, base * base_length_ms, max(0, min(WINDOW, window)))
