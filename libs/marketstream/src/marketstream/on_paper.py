"""Whether what was said came as often as it was said, and what it would have earned on paper."""

from __future__ import annotations

from array import array
from math import nan

import msgspec
import numpy as np

from marketstream.columns import Floats
from marketstream.messages import Outcome, Prediction

_BINS = 10
_WAITING = 10_000  # predictions whose outcome is to come
_BPS = 10_000.0


class ReliabilityBin(msgspec.Struct, frozen=True):
    """Moves of which nearly the same was said: on average `said` for up; it `came` so often."""

    said: float
    came: float
    moved: int


class OnPaper(msgspec.Struct, frozen=True):
    """What a position in each direction that was said earns from mid to mid, on average.

    `net_bps` is that less the whole spread as of the decision, before fees. `positions` are those
    whose spread is known; overlapping ones all count. None where there are none.
    """

    positions: int
    gross_bps: float | None
    spread_bps: float | None
    net_bps: float | None


class Paper:
    """Keeps what was said and what came of one market and horizon, on the newest `most` rows."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._said: dict[int, tuple[float, int]] = {}
        self._p_up, self._return, self._side, self._spread = (array("d") for _ in range(4))

    def predicted(self, prediction: Prediction) -> None:
        """Remember what was said until its outcome comes."""
        moves = prediction.p_up + prediction.p_down
        side = {"up": 1, "down": -1}.get(prediction.direction, 0)
        self._said[prediction.close_time_ms] = prediction.p_up / moves if moves else nan, side
        if len(self._said) > _WAITING:
            del self._said[next(iter(self._said))]

    def happened(self, outcome: Outcome, spread_bps: float | None) -> None:
        """Note what came; `spread_bps` is that of the book as of the close, None if unknown."""
        said = self._said.pop(outcome.close_time_ms, None)
        if said is None:
            return
        if len(self._p_up) == 2 * self._most:
            for column in (self._p_up, self._return, self._side, self._spread):
                del column[: self._most]
        self._p_up.append(said[0])
        self._side.append(said[1])
        self._return.append(_BPS * outcome.realised_return)
        self._spread.append(nan if spread_bps is None else spread_bps)

    def reliability(self) -> list[ReliabilityBin]:
        """Return ten bins of equal width from 0 to 1, without the empty ones."""
        p_up, returns = self._newest(self._p_up), self._newest(self._return)
        is_moved = (returns != 0) & ~np.isnan(p_up)
        said, came = p_up[is_moved], returns[is_moved] > 0
        bins = np.minimum((_BINS * said).astype(np.int64), _BINS - 1)
        counts = np.bincount(bins, minlength=_BINS)
        sums = np.bincount(bins, said, _BINS), np.bincount(bins, came, _BINS)
        return [
            ReliabilityBin(float(said_in / count), float(came_in / count), int(count))
            for said_in, came_in, count in zip(*sums, counts, strict=True)
            if count
        ]

    def on_paper(self) -> OnPaper:
        """Return what positions would have made."""
        side, spread = self._newest(self._side), self._newest(self._spread)
        is_taken = (side != 0) & ~np.isnan(spread)
        positions = int(is_taken.sum())
        if not positions:
            return OnPaper(0, None, None, None)
        gross = float((side * self._newest(self._return))[is_taken].mean())
        paid = float(spread[is_taken].mean())
        return OnPaper(positions, gross, paid, gross - paid)

    def _newest(self, column: array[float]) -> Floats:
        return np.array(column[-self._most :], np.float64)  # a copy: what is looked at cannot grow
