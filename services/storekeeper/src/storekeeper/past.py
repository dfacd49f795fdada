"""A walk through the stored past, a piece at a time, for candles that nobody has proven."""

from __future__ import annotations

from collections.abc import Sequence

from marketstream.messages import Candle
from marketstream.store.port import Store
from marketstream.timeframes import timeframe_ms
from storekeeper.touched import groups, unsettled

_CANDLES_A_LOOK = 2_000  # of each timeframe
_STRETCHES_A_LOOK = 20
_TOGETHER_MS = 60_000
_LACKING_MS = 60_000  # after which a candle with trades missing is asked for
_UNPROVEN_MS = 600_000  # after which a candle that nobody could tell of is


class Past:
    """Where a walk through one market's candles stands, in each timeframe.

    It goes from the newest backwards, `reach_ms` far, and begins anew.
    """

    def __init__(self, timeframes: Sequence[str], reach_ms: int) -> None:
        self._reach_ms = reach_ms
        self._at_ms: dict[str, int | None] = dict.fromkeys(timeframes)

    def look(self, store: Store, market: str) -> list[tuple[int, int]]:
        """Return stretches, in ms, with candles to be asked for; StateError where none is read."""
        found: list[tuple[int, int]] = []
        for timeframe in self._at_ms:
            found += self._look(store, market, timeframe)
        return found

    def _look(self, store: Store, market: str, timeframe: str) -> list[tuple[int, int]]:
        newest = store.last_candles(market, timeframe, 1)
        if not newest:
            return []
        now_ms, length_ms = newest[0].close_time_ms, timeframe_ms(timeframe)
        reach_ms, at_ms = now_ms - self._reach_ms, self._at_ms[timeframe]
        from_ms, candles = now_ms if at_ms is None else at_ms, list[Candle]()
        while not candles and from_ms > reach_ms:
            to_ms, from_ms = from_ms, from_ms - _CANDLES_A_LOOK * length_ms
            candles = store.candles(market, timeframe, from_ms, to_ms)
        closed = [candle for candle in candles if candle.state == "closed"]
        old = [candle for candle in unsettled(closed) if _is_old(candle, now_ms)]
        some = groups(old, _TOGETHER_MS)
        kept = some[:_STRETCHES_A_LOOK]
        if len(some) > len(kept):  # go on from the oldest that was taken
            from_ms = min(candle.open_time_ms for candle in kept[-1])
        # One candle more next time: ids are held against those of the neighbour.
        self._at_ms[timeframe] = None if from_ms <= reach_ms else from_ms + length_ms
        return [
            (min(one.open_time_ms for one in group), max(one.close_time_ms for one in group))
            for group in kept
        ]


def _is_old(candle: Candle, now_ms: int) -> bool:
    age_ms = now_ms - candle.close_time_ms
    return age_ms >= (_UNPROVEN_MS if candle.complete is None else _LACKING_MS)
