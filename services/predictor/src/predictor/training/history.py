"""The feature vectors and prices seen so far, in growing columns that training copies."""

from __future__ import annotations

import numpy as np

from marketstream.columns import FeatureTable, Floats, PriceSeries, number
from marketstream.messages import Features
from marketstream.timeframes import timeframe_ms


class FeatureHistory:
    """The newest rows of one market: at most `most_rows` decisions and the prices they span.

    Appending costs microseconds and stores numbers, not messages.
    """

    def __init__(self, names: tuple[str, ...], timeframe: str, base: str, most_rows: int) -> None:
        self._names = names
        self.timeframe = timeframe
        self._base = base
        self._base_ms = timeframe_ms(base)
        bases = timeframe_ms(timeframe) // self._base_ms
        self._rows = Buffer(len(names) + 5, most_rows)  # time, bid, ask, close, complete, values
        self._prices = Buffer(5, most_rows * bases)  # time, mid, close, first buy, first sell

    def append(self, features: Features) -> None:
        """Add one message of the timeframe decided on or of the base timeframe."""
        mid = features.mid
        if features.timeframe == self._base:
            self._prices.append(
                [
                    features.close_time_ms,
                    number(mid),
                    features.close,
                    number(features.first_buy),
                    number(features.first_sell),
                ]
            )
        if features.timeframe == self.timeframe:
            known = features.values
            self._rows.append(
                [
                    features.close_time_ms,
                    number(features.bid),
                    number(features.ask),
                    features.close,
                    float(features.complete),
                    *(number(known.get(name)) for name in self._names),
                ]
            )

    def newest(self, name: str, rows: int) -> Floats:
        """Return the values of a feature at the newest decisions; a copy."""
        return self._rows.newest(5 + self._names.index(name), rows)

    def __len__(self) -> int:
        return min(self._rows.length, self._rows.most)

    def table(self) -> FeatureTable:
        """Return the decisions so far; a copy, so that appending goes on meanwhile."""
        rows = self._rows.taken()
        return FeatureTable(
            close_time_ms=rows[:, 0].astype(np.int64),
            names=self._names,
            values=rows[:, 5:],
            bid=rows[:, 1],
            ask=rows[:, 2],
            close=rows[:, 3],
            complete=rows[:, 4] > 0,
        )

    def prices(self) -> PriceSeries:
        """Return the prices so far; a copy."""
        rows = self._prices.taken()
        return PriceSeries(
            close_time_ms=rows[:, 0].astype(np.int64),
            mid=rows[:, 1],
            close=rows[:, 2],
            base_ms=self._base_ms,
            first_buy=rows[:, 3],
            first_sell=rows[:, 4],
        )


class Buffer:
    """Rows of floats that forget the oldest: room for twice as many, moved down when full."""

    def __init__(self, columns: int, most: int) -> None:
        self.most = most
        self._rows = np.empty((min(1_024, 2 * most), columns))
        self.length = 0

    def append(self, row: list[float]) -> None:
        """Add the newest row."""
        if self.length == len(self._rows):
            self._make_room()
        self._rows[self.length] = row
        self.length += 1

    def newest(self, column: int, rows: int) -> Floats:
        """Return the newest values of a column; a copy."""
        return self._rows[max(0, self.length - rows) : self.length, column].copy()

    def _make_room(self) -> None:
        if len(self._rows) < 2 * self.most:
            size = min(2 * len(self._rows), 2 * self.most)
            grown = np.empty((size, self._rows.shape[1]))
            grown[: self.length] = self._rows[: self.length]
            self._rows = grown
            return
        kept = self._rows[self.length - self.most : self.length].copy()
        self._rows[: self.most] = kept
        self.length = self.most

    def taken(self) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """Return the rows so far; a copy."""
        rows = self._rows[max(0, self.length - self.most) : self.length].copy()
        return rows.reshape(len(rows), self._rows.shape[1])
