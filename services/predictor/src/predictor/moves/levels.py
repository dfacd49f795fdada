"""The profile of the day as `DayProfile` has it, half hour by half hour as they pass."""

from __future__ import annotations

from collections import deque

import msgspec
import numpy as np

from marketstream.columns import Floats
from predictor.targets.baselines import DAY_MS
from predictor.targets.profile import (
    KEPT,
    LEAST_SHARE,
    MOST_OFF,
    PRIOR_DAYS,
    level_over,
    slot_ms_of,
    summed,
)


class LevelsState(msgspec.Struct, array_like=True, frozen=True):
    """Levels as a snapshot has them."""

    first: int
    edges: list[tuple[float, float]]
    passed: int
    sums: list[float]
    weights: list[float]


class DayLevels:
    """Each part of the day against the day before it, of sums over all closes so far."""

    def __init__(self, base_ms: int, first_close_ms: int) -> None:
        self._base_ms = base_ms
        self._slot_ms = slot_ms_of(base_ms)
        self._of_day = DAY_MS // self._slot_ms
        self._first = (first_close_ms - base_ms) // self._slot_ms
        self._edges: deque[tuple[float, float]] = deque([(0.0, 0.0)], maxlen=self._of_day)
        self._passed = 0
        self._sums, self._weights = np.zeros(self._of_day), np.zeros(self._of_day)
        self._tell()

    def close(self, close_ms: int, total: float, known: float) -> None:
        """Note what the values up to a close add up to, and how many of them are known."""
        if close_ms % self._slot_ms:
            return
        part = self._mean(self._edges[-1], total, known, self._slot_ms)
        day = self._mean(self._edges[0], total, known, DAY_MS)
        self._edges.append((total, known))
        slot = (self._first + self._passed) % self._of_day
        self._passed += 1
        if part is None or day is None or not (part > 0 and day > 0):
            off = -MOST_OFF if part == 0 and day is not None and day > 0 else None
        else:
            off = float(np.clip(np.log(part / day), -MOST_OFF, MOST_OFF))
        if off is not None:
            self._sums[slot] = KEPT * self._sums[slot] + off
            self._weights[slot] = KEPT * self._weights[slot] + 1
            self._tell()

    def over(self, at_ms: int, from_ms: int, to_ms: int) -> Floats:
        """Return the log of the level between two times after a close."""
        at = np.array([at_ms], np.int64)
        return level_over(self._levels, self._totals, self._slot_ms, at, from_ms, to_ms)

    def _mean(
        self, since: tuple[float, float], total: float, known: float, span_ms: int
    ) -> float | None:
        count = known - since[1]
        if count <= 0 or count < LEAST_SHARE * (span_ms // self._base_ms):
            return None
        return max(total - since[0], 0.0) / count

    def _tell(self) -> None:
        self._levels = np.exp(self._sums / (self._weights + PRIOR_DAYS))[None, :]
        self._totals = summed(self._levels)

    def state(self) -> LevelsState:
        """Return what is to be kept."""
        return LevelsState(
            self._first,
            list(self._edges),
            self._passed,
            self._sums.tolist(),
            self._weights.tolist(),
        )

    def restore(self, state: LevelsState) -> None:
        """Go on from what was kept."""
        self._first, self._passed = state.first, state.passed
        self._edges = deque(state.edges, self._of_day)
        self._sums, self._weights = np.array(state.sums), np.array(state.weights)
        self._tell()
