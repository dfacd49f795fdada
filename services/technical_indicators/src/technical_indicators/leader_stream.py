"""The live side of the indicators of leaders: a market's closes beside those of each leader."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from math import isfinite

from marketstream.messages import Candle
from technical_indicators.leader_indicator import LeaderIndicator
from technical_indicators.leader_row import LeaderRow, Pair


class Shown:
    """The newest closed base candles of one market as others see them, at most so many."""

    def __init__(self, most: int, candles: Iterable[Candle] = ()) -> None:
        self._most = most
        self._rows: OrderedDict[int, LeaderRow] = OrderedDict()
        self.newest_ms = -1
        for candle in candles:
            self.add(candle)

    def add(self, candle: Candle) -> None:
        """Fold a closed base candle, newer than those before."""
        row = LeaderRow(candle, self._rows.get(self.newest_ms))
        self.newest_ms = row.close_time_ms
        self._rows[self.newest_ms] = row
        if len(self._rows) > self._most:
            self._rows.popitem(last=False)

    def at(self, close_time_ms: int) -> LeaderRow | None:
        """Return the row of a close, None where there is none (yet)."""
        return self._rows.get(close_time_ms)


class LeaderStream:
    """What a market knows of its leaders, by the rows that they and itself show."""

    def __init__(self, indicators: Sequence[LeaderIndicator], base_ms: int) -> None:
        self._indicators = indicators
        self._base_ms = base_ms
        self._rows = max((each.form.rows for each in indicators), default=0)

    def values(
        self, close_time_ms: int, own: Shown, leaders: Sequence[Shown]
    ) -> list[float | None]:
        """Return the features as of a base close, in order.

        None is what is said of a leader that there is not, or that has no such close.
        """
        pairs = [self._pairs(close_time_ms, own, leader) for leader in leaders]
        return [
            _value(each, pairs[each.number]) if each.number < len(pairs) else None
            for each in self._indicators
        ]

    def _pairs(self, close_time_ms: int, own: Shown, leader: Shown) -> Sequence[Pair]:
        """Return the newest pairs without a hole, up to the close; none where it is silent."""
        pairs: list[Pair] = []
        while len(pairs) < self._rows:
            row, leading = own.at(close_time_ms), leader.at(close_time_ms)
            if row is None or leading is None or (not pairs and leading.is_silent):
                break
            pairs.append(Pair(row.mid, leading))
            close_time_ms -= self._base_ms
        return pairs[::-1]


def _value(indicator: LeaderIndicator, pairs: Sequence[Pair]) -> float | None:
    if len(pairs) < indicator.form.rows:
        return None
    value = indicator.form.value(pairs)
    return value if value is not None and isfinite(value) else None
