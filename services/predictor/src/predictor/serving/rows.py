"""The rows of one vector that models read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from math import nan
from operator import itemgetter
from typing import NamedTuple

from predictor.models.parts.booster import Booster

_MOST_READERS = 1_024

type Values = Mapping[str, float | None]


class Row(NamedTuple):
    """The values of some columns, NaN for those not known, and whether all are known."""

    values: Sequence[float]
    known: bool


class Reader:
    """Reads the same columns of one vector after the other."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.columns = columns
        self._get: Callable[[Values], tuple[float | None, ...]] | None = None
        if len(columns) > 1:  # of one column it is no tuple
            self._get = itemgetter(*columns)

    def read(self, values: Values) -> Row:
        """Return the row of a vector; a column that it does not have is not known."""
        row: Sequence[float | None]
        try:
            row = (
                [values.get(name) for name in self.columns]
                if self._get is None
                else self._get(values)
            )
        except KeyError:
            row = [values.get(name) for name in self.columns]
        if None in row:
            return Row([nan if value is None else value for value in row], known=False)
        return Row(row, known=True)  # type: ignore[arg-type]  # none of them is None


reader_of = lru_cache(_MOST_READERS)(Reader)
"""Return the reader of columns, which is one and the same for all who read the same."""


class Together(NamedTuple):
    """Several rows, which of them are known, and whether all of them are."""

    rows: Sequence[Sequence[float]]
    known: Sequence[bool]
    whole: bool


class Rows:
    """The rows of one vector, each made once whoever reads it.

    `said` is what boosters said of it that were asked at once.
    """

    def __init__(self, values: Values) -> None:
        self._values = values
        self._rows: dict[Reader, Row] = {}
        self.said: Mapping[Booster, float] = {}
        self._together: dict[tuple[Reader, ...], Together] = {}

    def read(self, reader: Reader) -> Row:
        """Return what a reader reads; it is for all who ask."""
        row = self._rows.get(reader)
        if row is None:
            row = self._rows[reader] = reader.read(self._values)
        return row

    def together(self, readers: tuple[Reader, ...]) -> Together:
        """Return what several readers read."""
        found = self._together.get(readers)
        if found is None:
            read = [self.read(reader) for reader in readers]
            known = [row.known for row in read]
            found = Together([row.values for row in read], known, all(known))
            self._together[readers] = found
        return found

    def of(self, columns: tuple[str, ...]) -> Row:
        """Return the row of these columns."""
        return self.read(reader_of(columns))


def row_of(columns: tuple[str, ...], values: Values) -> Row:
    """Return the values of columns of a vector."""
    return reader_of(columns).read(values)
