"""Indicators of candles of another timeframe, as of the newest that had closed by a decision."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from marketstream.columns import CandleColumns, Floats, Times
from marketstream.messages import Candle
from marketstream.timeframes import timeframe_ms
from technical_indicators.heard_candles import without_certificate
from technical_indicators.port import COLUMNS, Indicator
from technical_indicators.settling import candles_to_settle

AGE = "candle_age"


class Beside:
    """Indicators of the candles of one timeframe, and the age of these candles.

    Features are named after both: `rsi_14_1m`, and `candle_age_1m` for the seconds from the close
    of the newest candle to the decision. Where that is the timeframe's length or more, a candle is
    missing, and so is what indicators say; the age is told of any candle.
    """

    def __init__(self, timeframe: str, indicators: Sequence[Indicator]) -> None:
        self.timeframe = timeframe
        self.length_ms = timeframe_ms(timeframe)
        self.indicators = indicators
        own = [name for each in indicators for name in each.names]
        self.names = tuple(f"{name}_{timeframe}" for name in (*own, AGE))

    @cached_property
    def settles(self) -> int:
        """After how many candles no feature depends on where they began, to 1e-9."""
        return candles_to_settle(self.indicators)

    @property
    def reach_ms(self) -> int:
        """How far back a decision looks: one candle more, of which a part may be missing."""
        return (self.settles + 2) * self.length_ms

    def columnar(self, candles: CandleColumns | None, close_time_ms: Times) -> list[Floats]:
        """Return the features as of decisions, one series a name; NaN is what is not known."""
        if candles is None or len(candles) == 0:
            return [np.full(len(close_time_ms), np.nan) for _ in self.names]
        columns = {name: candles.floats(name) for name in COLUMNS}
        newest = np.searchsorted(candles.close_time_ms, close_time_ms, side="right") - 1
        age_ms = close_time_ms - candles.close_time_ms[newest]
        known = newest >= 0
        fresh = known & (age_ms < self.length_ms)
        series = [output for each in self.indicators for output in each.batch(columns)]
        return [
            *(np.where(fresh, output[newest], np.nan) for output in series),
            np.where(known, age_ms / 1_000, np.nan),
        ]


class BesideStream:
    """The live side of the features of one timeframe.

    `candles` are the newest, as many as restore every indicator: a snapshot is these.
    """

    def __init__(self, beside: Beside, candles: Sequence[Candle] = ()) -> None:
        self.timeframe = beside.timeframe
        self.candles: deque[Candle] = deque(candles, maxlen=beside.settles + 1)
        self._beside = beside
        self._streams = [each.stream() for each in beside.indicators]
        self._nothing: list[float | None] = [None] * (len(beside.names) - 1)
        self._said = self._nothing
        self._is_revised = bool(candles)

    @property
    def is_full(self) -> bool:
        """Whether the candles kept reach as far back as features do."""
        return len(self.candles) == self.candles.maxlen

    @property
    def began_ms(self) -> int | None:
        """The close of the oldest candle kept, None where there is none."""
        return self.candles[0].close_time_ms if self.candles else None

    def update(self, candle: Candle) -> None:
        """Fold a closed candle, or put it in the place of its earlier revision."""
        if self.candles and candle.open_time_ms <= self.candles[-1].open_time_ms:
            self._revise(candle)
            return
        if self._is_revised:
            self._look_back_anew()
        self._fold(candle)
        self.candles.append(candle)

    def lacks(self, close_time_ms: int) -> bool:
        """Say whether a candle of this timeframe that closes at a moment has not come yet."""
        if close_time_ms % self._beside.length_ms:
            return False
        return not self.candles or self.candles[-1].close_time_ms < close_time_ms

    def values(self, close_time_ms: int) -> list[float | None]:
        """Return the features as of a decision, in order; none where candles are beyond it."""
        if not self.candles or self.candles[-1].close_time_ms > close_time_ms:
            return [*self._nothing, None]
        age_ms = close_time_ms - self.candles[-1].close_time_ms
        if age_ms >= self._beside.length_ms:
            return [*self._nothing, age_ms / 1_000]
        if self._is_revised:
            self._look_back_anew()
        return [*self._said, age_ms / 1_000]

    def peek(self, since_ms: int) -> list[float | None]:
        """Return the features as things stand, in a candle that has been forming since a time."""
        newest_ms = self.candles[-1].close_time_ms if self.candles else since_ms
        return self.values(max(since_ms, newest_ms))

    def _fold(self, candle: Candle) -> None:
        self._said = [value for stream in self._streams for value in stream.update(candle)]

    def _revise(self, candle: Candle) -> None:
        for at in range(len(self.candles) - 1, -1, -1):
            earlier = self.candles[at]
            if earlier.open_time_ms == candle.open_time_ms:
                if earlier.revision < candle.revision:
                    self._is_revised |= without_certificate(earlier) != without_certificate(candle)
                    self.candles[at] = candle
                break

    def _look_back_anew(self) -> None:
        *before, newest = self.candles
        for stream in self._streams:
            stream.open_on(before)
        self._fold(newest)
        self._is_revised = False


class BesideStreams:
    """The live side of the features of all other timeframes together."""

    def __init__(self, beside: Sequence[Beside]) -> None:
        self._beside = beside
        self.names = [name for each in beside for name in each.names]
        self.streams = {each.timeframe: BesideStream(each) for each in beside}

    @property
    def candles(self) -> dict[str, list[Candle]]:
        """What a snapshot keeps, by timeframe."""
        return {name: list(stream.candles) for name, stream in self.streams.items()}

    def restore(self, candles: dict[str, list[Candle]]) -> None:
        """Look back on these candles; features agree with unbroken ones to 1e-9."""
        self.streams = {
            each.timeframe: BesideStream(each, candles.get(each.timeframe, ()))
            for each in self._beside
        }

    def update(self, candle: Candle) -> None:
        """Fold a closed candle, where it is of one of the timeframes."""
        stream = self.streams.get(candle.timeframe)
        if stream is not None:
            stream.update(candle)

    def lack(self, close_time_ms: int) -> bool:
        """Say whether a candle that closes at a moment has not come yet."""
        return any(stream.lacks(close_time_ms) for stream in self.streams.values())

    def values(self, close_time_ms: int) -> list[float | None]:
        """Return the features as of a decision, in order."""
        streams = self.streams.values()
        return [value for stream in streams for value in stream.values(close_time_ms)]

    def peek(self, since_ms: int) -> list[float | None]:
        """Return the features as things stand, in a candle that has been forming since a time."""
        return [value for stream in self.streams.values() for value in stream.peek(since_ms)]
