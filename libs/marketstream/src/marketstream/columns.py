"""Feature vectors as columns: what training reads, whether it was streamed or computed in batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from marketstream.messages import Features

type Floats = NDArray[np.float64]
type Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """Rows of one market and timeframe, ordered by close time; NaN stands for None.

    `values` has one row per close and one column per name in `names`.
    """

    close_time_ms: Times
    names: tuple[str, ...]
    values: Floats
    bid: Floats
    ask: Floats
    close: Floats
    complete: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.close_time_ms)

    @property
    def mid(self) -> Floats:
        """The middle of the book as of each close."""
        return (self.bid + self.ask) / 2

    def columns(self, names: Sequence[str]) -> Floats:
        """Return the columns of these names, in this order."""
        return self.values[:, [self.names.index(name) for name in names]]

    def rows(self, chosen: slice) -> Self:
        """Return a slice of the rows."""
        return type(self)(
            self.close_time_ms[chosen],
            self.names,
            self.values[chosen],
            self.bid[chosen],
            self.ask[chosen],
            self.close[chosen],
            self.complete[chosen],
        )

    @classmethod
    def of(cls, messages: Sequence[Features]) -> Self:
        """Return messages of one market and timeframe as columns."""
        names = tuple(messages[-1].values) if messages else ()
        values = [[_number(m.values.get(name)) for name in names] for m in messages]
        return cls(
            close_time_ms=np.array([m.close_time_ms for m in messages], np.int64),
            names=names,
            values=np.array(values, np.float64).reshape(len(messages), len(names)),
            bid=np.array([_number(m.bid) for m in messages], np.float64),
            ask=np.array([_number(m.ask) for m in messages], np.float64),
            close=np.array([m.close for m in messages], np.float64),
            complete=np.array([m.complete for m in messages], np.bool_),
        )


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
