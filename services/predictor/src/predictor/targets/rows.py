"""The decisions of one market and horizon: what was known at each, and what came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from marketstream.columns import Floats, Integers, Times
from predictor.targets.baselines import ewma, har, same_hour_of_yesterday
from predictor.targets.definitions import Target, ended, floor_of
from predictor.targets.grid import Grid
from predictor.targets.inputs import inputs

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
    grid: Grid, target: Target, *, step_ms: int, horizon_ms: int, latency_ms: int = 0
) -> Rows:
    """Return the decisions at every close of `step_ms`, and the target from `latency_ms` after.

    Both latency and horizon are counted in full closes of the base timeframe. Where nothing moved
    before what is judged there is no floor, and nothing `known`.
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
    judged_from_ms = times_ms[int(FIRST_SHARE * len(rows))] if len(rows) else 0
    floor = floor_of(came[ends_ms <= judged_from_ms], target)
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
    horizons = np.log(har(over, closes, places) + floor)
    yesterday = np.log(same_hour_of_yesterday(over, closes, rows, places, grid.base_ms) + floor)
    yesterday = np.where(np.isnan(yesterday), horizons[:, -1], yesterday)
    of_one = (floor if target == "volatility" else floor**2) / closes
    seen = inputs(grid, rows, closes, late, of_one)
    return replace(
        bare,
        came=np.maximum(bare.came, floor),
        still=float((bare.came < floor).mean()),
        names=("horizon_1", "horizon_5", "horizon_22", *seen),
        known={
            "ridge": np.column_stack([horizons, *seen.values()]),
            "ewma": np.log(ewma(over, closes, places) + floor)[:, None],
            "har": horizons,
            "same_hour_of_yesterday": yesterday[:, None],
        },
    )


def _known_at(grid: Grid, places: Integers) -> Times:
    """Return the first close at which the price of each place is known."""
    first = np.searchsorted(grid.known, places + 1)
    return grid.close_ms[np.minimum(first, len(grid) - 1)]
