"""The newest rows of numbers, found by how many came before them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from marketstream.columns import Floats


class RingState(msgspec.Struct, array_like=True, frozen=True):
    """A ring as a snapshot has it."""

    count: int
    rows: bytes


class Ring:
    """At most `most` rows, in room for twice as many that is moved down when it is full."""

    def __init__(self, most: int, columns: int) -> None:
        self.count = 0
        self._most = most
        self._rows = np.empty((2 * most, columns))
        self._length = 0

    def append(self, row: Sequence[float]) -> None:
        """Add the newest row."""
        if self._length == len(self._rows):
            self._rows[: self._most] = self._rows[self._length - self._most :]
            self._length = self._most
        self._rows[self._length] = row
        self._length += 1
        self.count += 1

    @property
    def first(self) -> int:
        """The number of the oldest row that is held for certain."""
        return self.count - min(self._length, self._most)

    def row(self, number: int) -> Floats:
        """Return the row of a number, counted from the first that ever came."""
        return np.asarray(self._rows[number - self.count + self._length])

    def last(self, rows: int) -> Floats:
        """Return the newest rows, as many as there are."""
        return np.asarray(self._rows[max(0, self._length - rows) : self._length])

    def every(self, step: int, rows: int) -> Floats:
        """Return at most so many rows, the newest and each `step` before another, newest first."""
        oldest = max(self.count - 1 - step * (rows - 1), self.first)
        numbers = np.arange(self.count - 1, oldest - 1, -step)
        return np.asarray(self._rows[numbers - self.count + self._length])

    def state(self) -> RingState:
        """Return what is to be kept."""
        return RingState(self.count, self.last(self._most).tobytes())

    def restore(self, state: RingState) -> None:
        """Go on from what was kept; ValueError where it has other columns or more rows."""
        rows = np.frombuffer(state.rows).reshape(-1, self._rows.shape[1])
        self._rows[: len(rows)] = rows
        self._length, self.count = len(rows), state.count
