"""A market's candles on every close of the base timeframe, and since when each was known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from marketstream.columns import CandleColumns, Floats, Integers, PriceSeries, Times
from marketstream.errors import InputError
from marketstream.timeframes import timeframe_ms
from predictor.training.prices import Label, known_ms, label_prices

_MOST_CLOSES = 20_000_000


@dataclass(frozen=True, slots=True)
class Grid:
    """A row per close of the base timeframe, without a hole in time; NaN what is not known.

    `price`, `high` and `low` are logarithms; the price of a candle that is not complete is unknown.
    `squared` are squared returns from the close before, NaN where one of the two is unknown. Where
    the price is a mid nothing is known of it between closes: `high` and `low` are the price.
    `traded_range` is the logarithm of a candle's high over its low, of trades whatever the price.
    `known[k]` says how many prices, counted from the first, are known as of close k: all up to k,
    holes as such, but of the fair mid, which later prints make, fewer.
    """

    close_ms: Times
    base_ms: int
    price: Floats
    squared: Floats
    high: Floats
    low: Floats
    traded_range: Floats
    volume: Floats
    known: Integers

    def __len__(self) -> int:
        return len(self.close_ms)

    def closes(self, span_ms: int) -> int:
        """Return how many closes of the grid a time spans, one at least."""
        return max(1, -(-span_ms // self.base_ms))

    @classmethod
    def of(cls, candles: CandleColumns, label: Label) -> Self:
        """Return candles of the base timeframe on their grid, with the prices of a label.

        Raises InputError where they span more closes than can be held.
        """
        series = PriceSeries.of(candles)
        base_ms = timeframe_ms(candles.timeframe)
        first = int(series.close_time_ms[0]) // base_ms
        places = series.close_time_ms // base_ms - first
        length = int(places[-1]) + 1
        if length > _MOST_CLOSES:
            raise InputError(
                f"the data span {length:,} closes of {candles.timeframe} and at most "
                f"{_MOST_CLOSES:,} are read: give fewer days, or candles of a longer timeframe"
            )

        def spread(column: Floats) -> Floats:
            placed = np.full(length, np.nan)
            placed[places] = column
            return placed

        complete = candles.complete
        price = spread(np.where(complete, np.log(label_prices(series, label)), np.nan))
        traded = spread(np.log(candles.floats("high"))), spread(np.log(candles.floats("low")))
        high, low = traded if label == "close" else (price, price)
        close_ms = (first + np.arange(length)) * base_ms
        return cls(
            close_ms=close_ms,
            base_ms=base_ms,
            price=price,
            squared=np.append(np.nan, np.diff(price)) ** 2,
            high=high,
            low=low,
            traded_range=traded[0] - traded[1],
            volume=spread(candles.floats("volume")),
            known=_known(spread(known_ms(series, label)), close_ms)
            if label == "fair"
            else np.arange(1, length + 1),
        )


def _known(known_at_ms: Floats, close_ms: Times) -> Integers:
    """Return how many of the prices are known as of each close; a hole is, once what follows is."""
    at_ms = np.where(np.isnan(known_at_ms), np.inf, known_at_ms)
    unknown = np.isinf(at_ms)
    following = np.minimum.accumulate(at_ms[::-1])[::-1]
    at_ms = np.maximum.accumulate(np.where(unknown, following, at_ms))
    return np.searchsorted(at_ms, close_ms, side="right").astype(np.int64)
