"""The decisions of one market and horizon: what was known at each, and what came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from marketstream.columns import Floats, Integers, Times
from predictor.targets.baselines import HAR, ewma, har, same_hour_of_yesterday
from predictor.targets.definitions import Target, ended, floor_of
from predictor.targets.grid import Grid
from predictor.targets.inputs import Seen, SeenOnGrid, count_of_inputs, inputs

FIRST_SHARE = 0.5
"""Of the decisions, that only learn."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The usable decisions in order of time; `came` is what the target was, at least its floor.

    `ends_ms` says when that was known. `known` is what each forecaster knows, as columns of
    logarithms. `still` is the share of targets below the floor. `incomplete` counts decisions whose
    horizon has a missing or incomplete candle in it, `unfinished` those that ends after the data,
    and `early` those that come before a horizon is over that could be learnt from.
    """

    times_ms: Times
    ends_ms: Times
    came: Floats
    known: Mapping[str, Floats]
    names: tuple[str, ...]
    horizon_ms: int
    step_ms: int
    floor: float | None
    still: float = 0.0
    incomplete: int = 0
    unfinished: int = 0
    early: int = 0

    def __len__(self) -> int:
        return len(self.times_ms)

    @property
    def overlap(self) -> float:
        """How many rows there are in a horizon."""
        return max(1.0, self.horizon_ms / self.step_ms)


def rows_of(
    grid: Grid,
    target: Target,
    *,
    step_ms: int,
    horizon_ms: int,
    latency_ms: int = 0,
    learning: float = FIRST_SHARE,
    floor: float | None = None,
) -> Rows:
    """Return the decisions at every close of `step_ms`, and the target from `latency_ms` after.

    Both latency and horizon are counted in full closes of the base timeframe. `learning` is the
    share of rows, the first, that only learn: the floor is theirs, where none is given. Where
    nothing moved in them there is none, and nothing `known`.
    """
    closes, late = grid.closes(horizon_ms), -(-latency_ms // grid.base_ms)
    over = ended(grid, target, closes)
    decided = np.isfinite(grid.traded_range) & (grid.close_ms % step_ms == 0)
    rows = np.flatnonzero(decided)
    about = rows + late + closes
    unfinished = about >= len(grid)
    rows, about = rows[~unfinished], about[~unfinished]
    came = over[about]
    places = grid.known[rows] - 1  # of the newest horizon that is known to be over
    whole, prior = np.isfinite(came), np.isfinite(har(over, closes, places)[:, 0])
    usable = whole & prior
    rows, about, came, places = rows[usable], about[usable], came[usable], places[usable]
    times_ms, ends_ms = grid.close_ms[rows], _known_at(grid, about)
    learnt = int(learning * len(rows))
    known = slice(None) if learnt == len(rows) else ends_ms <= times_ms[learnt]
    floor = floor_of(came[known], target) if floor is None else floor
    bare = Rows(
        times_ms=times_ms,
        ends_ms=ends_ms,
        came=came,
        known={},
        names=(),
        horizon_ms=closes * grid.base_ms,
        step_ms=step_ms,
        floor=floor,
        incomplete=int(np.count_nonzero(~whole)),
        unfinished=int(np.count_nonzero(unfinished)),
        early=int(np.count_nonzero(whole & ~prior)),
    )
    return bare if floor is None else _told(bare, grid, target, closes, late, over, rows, places)


def _told(
    bare: Rows,
    grid: Grid,
    target: Target,
    closes: int,
    late: int,
    over: Floats,
    rows: Integers,
    places: Integers,
) -> Rows:
    """Return the rows with what each forecaster knows at them."""
    floor = bare.floor or 0.0
    seen = SeenOnGrid(grid, rows)
    names, known = forecasters_know(
        seen,
        target,
        closes,
        late,
        floor,
        ewma=ewma(over, closes, places),
        har=har(over, closes, places),
        yesterday=same_hour_of_yesterday(over, closes, rows, places, grid.base_ms),
    )
    return replace(
        bare,
        came=np.maximum(bare.came, floor),
        still=float((bare.came < floor).mean()),
        names=names,
        known=known,
    )


def forecasters_know(
    seen: Seen,
    target: Target,
    closes: int,
    late: int,
    floor: float,
    *,
    ewma: Floats,
    har: Floats,
    yesterday: Floats,
) -> tuple[tuple[str, ...], dict[str, Floats]]:
    """Return what each forecaster knows at some decisions, and the names of the model's columns.

    Given are the baselines as they are, of `har` a column for each mean; all are told as
    logarithms. Where nothing is known of yesterday the longest mean stands in.
    """
    horizons, before = np.log(har + floor), np.log(yesterday + floor)
    before = np.where(np.isnan(before), horizons[:, -1], before)
    of_one = (floor if target == "volatility" else floor**2) / closes
    inputs_ = inputs(seen, closes, late, of_one)
    return ("horizon_1", "horizon_5", "horizon_22", *inputs_), {
        "ridge": np.column_stack([horizons, *inputs_.values()]),
        "ewma": np.log(ewma + floor)[:, None],
        "har": horizons,
        "same_hour_of_yesterday": before[:, None],
    }


def widths_of(closes: int) -> dict[str, int]:
    """Return how many columns each forecaster knows of a target over so many intervals."""
    horizons = len(HAR)
    return {
        "ridge": horizons + count_of_inputs(closes),
        "ewma": 1,
        "har": horizons,
        "same_hour_of_yesterday": 1,
    }


def _known_at(grid: Grid, places: Integers) -> Times:
    """Return the first close at which the price of each place is known."""
    first = np.searchsorted(grid.known, places + 1)
    return grid.close_ms[np.minimum(first, len(grid) - 1)]
