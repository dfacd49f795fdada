"""What the model of a target knows at a decision: how much the price has moved, and when it does.

All of it is known as of the close decided at: windows end there, or where the last price ends that
is known by then.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from marketstream.columns import Floats, Integers
from predictor.targets.grid import Grid
from predictor.targets.profile import DayProfile
from predictor.targets.windows import Windows

# So many closes of the base timeframe back.
_VARIANCE_SPANS = (1, 5, 15, 60, 240, 1_440, 7_200)
_PARKINSON_SPANS = (1, 5, 15, 60, 240)
_VOLUME_SPANS = (1, 5, 15, 60)
_RETURN_SPANS = (1, 60)
_DAY_MS = 86_400_000
_NOW_MS = 1_800_000
_LEAST_VOLUME = 1e-3  # of the day's mean
_MOST_VOLUME = 8.0  # as a logarithm
_MOST_RETURN = 10.0  # deviations


def inputs(
    grid: Grid, rows: Integers, closes: int, start_closes: int, floor: float
) -> dict[str, Floats]:
    """Return a column for each input; NaN where it is not known.

    The target is over `closes` intervals from `start_closes` after each of `rows`. `floor` is the
    variance of one interval that counts where nothing moved.
    """
    with np.errstate(divide="ignore", invalid="ignore"):  # the logarithm of no volume
        columns = dict(_columns(grid, rows, closes, start_closes, floor))
    return {name: np.where(np.isfinite(one), one, np.nan) for name, one in columns.items()}


def _columns(
    grid: Grid, rows: Integers, closes: int, start_closes: int, floor: float
) -> Iterator[tuple[str, Floats]]:
    at_ms, base_ms = grid.close_ms[rows], grid.base_ms
    day = _DAY_MS // base_ms
    ends, now = grid.known[rows], rows + 1
    squared = Windows(grid.squared)
    for span in _VARIANCE_SPANS:
        yield f"variance_{span}", np.log(squared.mean(ends, span) + floor)
    parkinson = Windows(grid.traded_range**2 / (4 * np.log(2)))
    for span in _PARKINSON_SPANS:
        yield f"parkinson_{span}", np.log(parkinson.mean(now, span) + floor)

    profile = DayProfile(grid.squared, grid.close_ms, base_ms, grid.known)
    begin_ms = start_closes * base_ms
    yield "profile_now", profile.over(at_ms, -_NOW_MS, 0)
    yield "profile_target", profile.over(at_ms, begin_ms, begin_ms + closes * base_ms)

    traded = np.arange(len(grid)) + 1
    volume, usual = Windows(grid.volume), DayProfile(grid.volume, grid.close_ms, base_ms, traded)
    of_day = volume.mean(now, day)
    expected = np.log(of_day) + usual.over(at_ms, -_NOW_MS, 0)
    for span in _VOLUME_SPANS:
        seen = np.log(volume.mean(now, span) + _LEAST_VOLUME * of_day)
        yield f"volume_{span}", np.clip(seen - expected, -_MOST_VOLUME, _MOST_VOLUME)

    deviation = np.sqrt(squared.mean(ends, day) + floor)
    last = np.maximum(ends - 1, 0)
    for span in dict.fromkeys((*_RETURN_SPANS, closes)):
        way = grid.price[last] - grid.price[np.maximum(last - span, 0)]
        scaled = np.clip(way / (deviation * np.sqrt(span)), -_MOST_RETURN, _MOST_RETURN)
        yield f"return_{span}", scaled
        yield f"size_of_return_{span}", np.abs(scaled)
