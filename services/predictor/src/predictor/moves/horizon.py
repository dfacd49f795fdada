"""What the targets of one horizon have been so far, and what the baselines say of the next.

The columnar forms are in `targets.baselines`; here each is gone on with at every step.
"""

from __future__ import annotations

from math import isfinite, nan
from typing import NamedTuple

import msgspec
import numpy as np

from marketstream.columns import Floats
from marketstream.messages import MoveTarget
from predictor.moves.layout import Layout
from predictor.moves.ring import Ring, RingState
from predictor.moves.series import Series
from predictor.targets.baselines import DAY_MS, DECAY, HAR, HOUR_MS
from predictor.targets.definitions import ended


class Baselines(NamedTuple):
    """What is said without a model, as one row: NaN what is not known."""

    ewma: Floats
    har: Floats
    yesterday: Floats


class HorizonState(msgspec.Struct, array_like=True, frozen=True):
    """A horizon as a snapshot has it."""

    totals: list[float]
    rows: RingState
    ewma: list[bytes]


class Horizon:
    """One horizon of a market's series; `over` has the targets since the step before, by name.

    A row of each step has how many horizons that ended before it are known, and of each target what
    these add up to, and what it is over the horizon that ends with the step.
    """

    def __init__(self, layout: Layout, horizon_ms: int, first_ms: int) -> None:
        step_ms = layout.step_ms
        self._targets = layout.targets
        self._closes = layout.closes(horizon_ms)
        self._step_closes = layout.closes(step_ms)
        self._phases = horizon_ms // step_ms
        self._day, self._hour = DAY_MS // step_ms, HOUR_MS // step_ms
        self._step_ms = step_ms
        self._first_step = -(-first_ms // step_ms)
        self._rows = Ring(self._day + 2, 1 + 2 * len(layout.targets))
        self._totals = np.zeros(1 + len(layout.targets))  # through the newest step
        self._ewma = np.zeros((len(layout.targets), 2, self._phases))  # sums and weights
        self.over: dict[MoveTarget, Floats] = dict.fromkeys(layout.targets, np.empty(0))

    def step(self, series: Series) -> None:
        """Go on to a series' newest close, which is one of a step."""
        new = min(self._step_closes, series.count)
        grid = series.grid(self._closes + self._step_closes + 1)
        row = [0.0]
        phase = series.close_ms // self._step_ms % self._phases
        for number, target in enumerate(self._targets):
            values = self.over[target] = ended(grid, target, self._closes)[-new:]
            filled = np.nan_to_num(values)
            sums = np.cumsum(np.append(self._totals[1 + number], filled))
            self._totals[1 + number] = sums[-1]
            row += [float(sums[-2]), float(values[-1])]
            ewma = self._ewma[number, :, phase]
            ewma *= DECAY
            ewma += (1 - DECAY) * np.array([filled[-1], isfinite(values[-1])])
            if number == 0:
                known = np.isfinite(values)
                row[0] = float(self._totals[0] + np.count_nonzero(known[:-1]))
                self._totals[0] += np.count_nonzero(known)
        self._rows.append(row)

    def baselines(self, target: MoveTarget, close_ms: int) -> Baselines:
        """Return what the baselines say at the newest step."""
        number = self._targets.index(target)
        sum_, weight = self._ewma[number, :, close_ms // self._step_ms % self._phases]
        before = self._rows.every(self._phases, max(HAR))[:, 2 + 2 * number]
        return Baselines(
            ewma=np.array([sum_ / weight if weight > 0 else nan]),
            har=_means(before),
            yesterday=np.array([self._yesterday(number, close_ms // self._step_ms)]),
        )

    def _yesterday(self, number: int, step: int) -> float:
        """Return the mean over the horizons within the hour that began a day before."""
        begins = step - self._first_step - self._day
        last = begins + max(self._phases, self._hour)
        if last < 0:
            return nan
        since = begins + self._phases
        first = self._rows.row(since) if since >= 0 else np.zeros(len(self._totals) * 2)
        end = self._rows.row(last)
        ended_ = end[2 + 2 * number]
        count = end[0] + isfinite(ended_) - first[0]
        total = end[1 + 2 * number] + np.nan_to_num(ended_) - first[1 + 2 * number]
        return float(max(total, 0.0) / count) if count > 0 else nan

    def state(self) -> HorizonState:
        """Return what is to be kept."""
        rows, ewma = self._rows.state(), [one.tobytes() for one in self._ewma]
        return HorizonState(self._totals.tolist(), rows, ewma)

    def restore(self, state: HorizonState) -> None:
        """Go on from what was kept."""
        self._totals = np.array(state.totals)
        self._rows.restore(state.rows)
        for number, one in enumerate(state.ewma):
            self._ewma[number] = np.frombuffer(one).reshape(2, self._phases)


def _means(newest_first: Floats) -> Floats:
    """Return the means of the last 1, 5 and 22; where one knows nothing the next longer stands."""
    means: list[float] = []
    for horizons in reversed(HAR):
        known = newest_first[:horizons]
        known = known[np.isfinite(known)]
        longer = means[-1] if means else nan
        means.append(float(known.mean()) if len(known) else longer)
    return np.array([means[::-1]])
