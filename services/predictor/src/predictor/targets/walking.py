"""Forecasts of every row by models that were fitted on what was known before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from marketstream.columns import Flags, Floats, Integers
from predictor.targets.bounds import Tracker, tracked
from predictor.targets.forecaster import FEWEST, Forecaster
from predictor.targets.rows import FIRST_SHARE, Rows
from predictor.validation.splits import walk_forward

type Advanced = Callable[[int, int], None]
"""Told how much is done, and of how much."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What one forecaster said of each judged row.

    `expected` is the logarithm's expectation, `mean` the target's own, `quantiles` those of its
    logarithm at `LEVELS`.
    """

    expected: Floats
    mean: Floats
    quantiles: Floats


@dataclass(frozen=True, slots=True)
class Judged:
    """The rows that were judged, in order of time, and all forecasts of them."""

    rows: Rows
    chosen: Flags
    fold: Integers
    trained_rows: tuple[int, ...]
    forecasts: Mapping[str, Forecast]

    @property
    def came(self) -> Floats:
        """What the target was."""
        return self.rows.came[self.chosen]


def walk(
    rows: Rows, folds: int, *, embargo: int, advanced: Advanced | None = None
) -> Judged | None:
    """Forecast the later half of the rows, fold by fold; None where too few come before it.

    Everybody has the same: a line fitted on the same rows; the mean and the quantiles around it,
    of the latest fifth of them, by a line fitted on those before; and quantiles that go on from
    there. Forecasters differ in what they know, and the ridge corrects the HAR, so that where few
    rows hold it back it says the same.
    """
    parts = walk_forward(rows, folds, first=FIRST_SHARE, embargo=embargo)
    parts = [part for part in parts if np.count_nonzero(part.train) >= FEWEST]
    if not parts or rows.floor is None:
        return None
    chosen = np.logical_or.reduce([part.test for part in parts])
    fold = np.concatenate(
        [np.full(np.count_nonzero(part.test), number) for number, part in enumerate(parts)]
    )
    said: dict[str, list[Forecast]] = {name: [] for name in rows.known}
    for number, part in enumerate(parts):
        for name in rows.known:
            said[name].append(_forecast(rows, name, part.train, part.test))
        if advanced is not None:
            advanced(number + 1, len(parts))
    joined = {
        name: Forecast(
            np.concatenate([each.expected for each in one]),
            np.concatenate([each.mean for each in one]),
            np.concatenate([each.quantiles for each in one]),
        )
        for name, one in said.items()
    }
    trained = tuple(int(np.count_nonzero(part.train)) for part in parts)
    return Judged(rows, chosen, fold, trained, joined)


def _forecast(rows: Rows, name: str, train: Flags, test: Flags) -> Forecast:
    fitted = Forecaster.fitted(rows, name, train)
    expected = fitted.expected({key: columns[test] for key, columns in rows.known.items()})
    around = tracked(
        Tracker.begun(fitted.residuals, rows.overlap),
        np.log(rows.came[test]) - expected,
        rows.times_ms[test],
        rows.ends_ms[test],
    )
    return Forecast(expected, fitted.mean.of(expected), expected[:, None] + around)
