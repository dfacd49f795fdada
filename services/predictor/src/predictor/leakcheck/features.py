"""Leaks in features: checked on candles, and on the same candles with another future or past."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import msgspec
import numpy as np

from marketstream.columns import FeatureTable, Floats
from marketstream.messages import Candle
from predictor.leakcheck.leaks import Kind, Leak

_CUTS = 6
_SETTLED = 1e-6  # of the size of a feature: what is nearer has forgotten where it began
_PRICES = ("bid", "ask", "close")
_SCALED = (
    "open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume",
    "taker_buy_quote_volume", "bid", "ask", "bid_quantity", "first_buy", "first_sell",
)  # fmt: skip


class Series(NamedTuple):
    """Closed candles of one market: of the timeframe decided on, and of the finest.

    `leaders` are the finest candles of the markets that it looks at, `beside` the market's own of
    other timeframes.
    """

    candles: Sequence[Candle]
    base_candles: Sequence[Candle]
    leaders: Sequence[Sequence[Candle]] = ()
    beside: Sequence[Sequence[Candle]] = ()

    def changed(self, change: Callable[[Sequence[Candle]], list[Candle]]) -> Series:
        """Return the series with each of its candles' sequences changed."""
        return Series(
            change(self.candles),
            change(self.base_candles),
            [change(one) for one in self.leaders],
            [change(one) for one in self.beside],
        )


type Featured = Callable[[Series], FeatureTable]


def truncation(features: Featured, series: Series, *, seed: int = 0) -> list[Leak]:
    """Return (a) features of a row that are other numbers when what comes after is scrambled."""
    random = np.random.default_rng(seed)
    whole = features(series)
    found: dict[str, Leak] = {}
    times = whole.close_time_ms
    for cut in random.choice(times, min(_CUTS, len(times)), replace=False).tolist():
        other = features(series.changed(partial(_scrambled, after_ms=cut, random=random)))
        rows = int(np.searchsorted(times, cut, side="right"))
        for leak in _different(
            "truncation", whole.rows(slice(0, rows)), other.rows(slice(0, rows)),
            f"is {{0:.9g}}, and {{1:.9g}} with another market after {cut}",
        ):  # fmt: skip
            found.setdefault(leak.feature, leak)
    return list(found.values())


def warm_up(features: Featured, series: Series, left_out: int) -> list[Leak]:
    """Return (b) features that, after the rows left out, depend on where the series began.

    Of a series hardly longer than those rows nothing can be said, and nothing is.
    """
    total = len(series.candles)
    begin = (total - left_out) // 2
    if begin < 1:
        return []
    opened_ms = series.candles[begin].open_time_ms
    late = features(
        series.changed(lambda all_of: [c for c in all_of if c.open_time_ms >= opened_ms])
    )
    whole = features(series).rows(slice(begin + left_out, None))
    size = np.nanmax(np.abs(whole.values), axis=0, initial=0.0)
    return [
        *_different(
            "warm-up", whole, late.rows(slice(left_out, None)),
            f"is {{0:.9g}}, and {{1:.9g}} where the series begins {begin} candles later",
            _SETTLED * np.concatenate((size, np.zeros(len(_PRICES)))),
        )
    ]  # fmt: skip


def streaming(streamed: Featured, features: Featured, series: Series) -> list[Leak]:
    """Return (c) features that are, to the bit, other numbers in batch than streamed."""
    return [
        *_different("streaming", features(series), streamed(series), "is {0:.9g}, streamed {1:.9g}")
    ]


def _different(
    kind: Kind,
    one: FeatureTable,
    other: FeatureTable,
    detail: str,
    apart: Floats | float = 0.0,
) -> Iterator[Leak]:
    """Yield, for each column, the first row in which two tables are farther apart than allowed."""
    names = (*one.names, *_PRICES)
    if one.names != other.names or not np.array_equal(one.close_time_ms, other.close_time_ms):
        yield Leak(kind, "every feature", _first_ms(one), "there are other rows or features")
        return
    left, right = _everything(one), _everything(other)
    same = (left == right) | (np.isnan(left) & np.isnan(right)) | (np.abs(left - right) <= apart)
    for column in np.flatnonzero(~same.all(axis=0)):
        row = int(np.argmin(same[:, column]))
        values = left[row, column], right[row, column]
        yield Leak(kind, names[column], int(one.close_time_ms[row]), detail.format(*values))


def _everything(table: FeatureTable) -> Floats:
    return np.column_stack((table.values, *(getattr(table, name) for name in _PRICES)))


def _first_ms(table: FeatureTable) -> int:
    return int(table.close_time_ms[0]) if len(table) else 0


def _scrambled(
    candles: Sequence[Candle], after_ms: int, random: np.random.Generator
) -> list[Candle]:
    """Return candles with those after a moment mixed up, each with other prices and sizes."""
    later = [candle for candle in candles if candle.close_time_ms > after_ms]
    known = [candle for candle in candles if candle.close_time_ms <= after_ms]
    factors = random.uniform(0.5, 2.0, len(later)).tolist()
    donors = random.permutation(len(later)).tolist()
    return known + [
        _like(later[donor], candle, factor)
        for donor, candle, factor in zip(donors, later, factors, strict=True)
    ]


def _like(donor: Candle, candle: Candle, factor: float) -> Candle:
    scaled = {
        name: value * factor for name in _SCALED if (value := getattr(donor, name)) is not None
    }
    times = {"open_time_ms": candle.open_time_ms, "close_time_ms": candle.close_time_ms}
    return msgspec.structs.replace(donor, **times, **scaled)
