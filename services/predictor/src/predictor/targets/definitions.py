"""What is forecast: the realised variance of a price over a horizon, or its range.

Realised variance is the sum of squared log returns on the base grid (Andersen, Bollerslev, Diebold
and Labys 2003, Modeling and Forecasting Realized Volatility, Econometrica 71); the range is the
log of the highest over the lowest price, the first included (Parkinson 1980, Journal of Business
53). Both of the last trade's price would mostly measure its bounce between bid and ask, so the
price is that by which directions are judged: the mid, the fair mid, and of candles of a minute and
longer the close.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from marketstream.columns import Floats
from predictor.targets.grid import Grid
from predictor.targets.windows import Windows

type Target = Literal["volatility", "range"]

_FLOOR_SHARE: dict[Target, float] = {"volatility": 0.01, "range": 0.1}  # of the median


def ended(grid: Grid, target: Target, closes: int) -> Floats:
    """Return the target over the `closes` intervals that end at each close; NaN where unknown.

    Unknown it is where a price or a candle in it is missing or not complete.
    """
    if target == "volatility":
        return Windows(grid.squared).total(np.arange(len(grid)) + 1, closes)
    whole = Windows(grid.squared).known(np.arange(len(grid)) + 1, closes) == closes
    before = np.append(np.nan, grid.price)[: len(grid)]  # where the window's first interval begins
    high = _highest(np.fmax(grid.high, before), closes)
    low = -_highest(-np.fmin(grid.low, before), closes)
    return np.where(whole, high - low, np.nan)


def floor_of(values: Floats, target: Target) -> float | None:
    """Return what counts where nothing, or next to nothing, moved; None where nothing ever did.

    The logarithm of no move is no number. The floor is a hundredth of the median variance, or a
    tenth of the median range, of the values given: those of rows before all that are judged.
    """
    moved = values[values > 0]
    return float(_FLOOR_SHARE[target] * np.median(moved)) if len(moved) else None


def _highest(values: Floats, closes: int) -> Floats:
    """Return the largest of the last `closes` values at each place; the unknown count for less."""
    rows = len(values)
    padded = np.full(-(-(rows + closes - 1) // closes) * closes, -np.inf)
    padded[closes - 1 : closes - 1 + rows] = np.where(np.isnan(values), -np.inf, values)
    # The largest of a window is that of two parts of blocks as long as it (van Herk 1992).
    blocks = padded.reshape(-1, closes)
    until = np.maximum.accumulate(blocks, axis=1).ravel()
    since = np.maximum.accumulate(blocks[:, ::-1], axis=1)[:, ::-1].ravel()
    return np.maximum(since[:rows], until[closes - 1 : closes - 1 + rows])
