"""Candles as the bars that charts ask for: of any resolution that the kept timeframes make up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from marketstream.messages import Candle
from marketstream.timeframes import timeframe_ms

_LENGTHS = {
    "1S": "1s", "5S": "5s", "15S": "15s", "30S": "30s", "1": "1m", "5": "5m", "15": "15m",
    "30": "30m", "60": "1h", "240": "4h", "1D": "1d",
}  # fmt: skip
_MOST_A_BAR = 60  # candles: of more, a chart's worth is too many to read at once
_MOST_DECIMALS = 12


class Resolution(NamedTuple):
    """A resolution as charts name it, its length, and the timeframe that its bars are made of."""

    name: str
    length_ms: int
    timeframe: str

    @property
    def candles(self) -> int:
        """How many candles make a bar."""
        return self.length_ms // timeframe_ms(self.timeframe)


class Bars(msgspec.Struct, frozen=True):
    """Bars in columns, the oldest first: opened when (s), open, high, low, close and volume."""

    t: list[int]
    o: list[float]
    h: list[float]
    l: list[float]  # noqa: E741 - charts call it so
    c: list[float]
    v: list[float]
    s: str = "ok"


def resolutions(timeframes: Sequence[str]) -> dict[str, Resolution]:
    """Return by name the resolutions that can be made of the timeframes, the finest first."""
    found = {}
    for name, length in _LENGTHS.items():
        length_ms = timeframe_ms(length)
        parts = [each for each in timeframes if length_ms % timeframe_ms(each) == 0]
        if parts:
            resolution = Resolution(name, length_ms, max(parts, key=timeframe_ms))
            if resolution.candles <= _MOST_A_BAR:
                found[name] = resolution
    return found


def bars_of(candles: Iterable[Candle], length_ms: int) -> Bars:
    """Return candles, in order of time, put together to bars; the last may still grow."""
    bars = Bars([], [], [], [], [], [])
    for candle in candles:
        opened_s = candle.open_time_ms // length_ms * length_ms // 1_000
        if bars.t and bars.t[-1] == opened_s:
            bars.h[-1] = max(bars.h[-1], candle.high)
            bars.l[-1] = min(bars.l[-1], candle.low)
            bars.c[-1] = candle.close
            bars.v[-1] += candle.volume
        else:
            bars.t.append(opened_s)
            bars.o.append(candle.open)
            bars.h.append(candle.high)
            bars.l.append(candle.low)
            bars.c.append(candle.close)
            bars.v.append(candle.volume)
    return bars


def newest(bars: Bars, count: int) -> Bars:
    """Return the last `count` bars."""
    some = slice(-count, None)
    return Bars(bars.t[some], bars.o[some], bars.h[some], bars.l[some], bars.c[some], bars.v[some])


def decimals_of(candles: Iterable[Candle]) -> int:
    """Return how many decimals the prices have, 2 where there are none to look at."""
    prices = {price for one in candles for price in (one.open, one.high, one.low, one.close)}
    exponents = [Decimal(repr(price)).normalize().as_tuple().exponent for price in prices]
    found = [-exponent for exponent in exponents if isinstance(exponent, int)]
    return min(_MOST_DECIMALS, max(0, *found)) if found else 2
