"""A forecaster as it is fitted on rows: its lines, its mean, and how far off it was.

Everybody has the same: a line fitted on the rows; the mean and the residuals of the latest fifth of
them, by a line fitted on those before. The model corrects the HAR.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from marketstream.columns import Flags, Floats
from predictor.targets.linear import Line, Mean
from predictor.targets.rows import Rows

MODEL = "ridge"
FEWEST = 100
"""Rows to learn from."""

_REFERENCE = "har"
_LATEST_SHARE = 0.2  # of what is learnt from


@dataclass(frozen=True, slots=True)
class Forecaster:
    """What is expected of a logarithm: the sum of lines, each on what one forecaster knows.

    `residuals` are how far the latest rows were off what lines through those before expected.
    """

    lines: Mapping[str, Line]
    mean: Mean
    residuals: Floats

    @classmethod
    def fitted(cls, rows: Rows, name: str, train: Flags) -> Self:
        """Fit the forecaster of a name on some of the rows."""
        earlier, latest = _split(rows, train)
        before = _expected(_lines(rows, name, earlier), _chosen(rows, latest))
        return cls(
            lines=_lines(rows, name, train),
            mean=Mean.fitted(before, rows.came[latest]),
            residuals=np.log(rows.came[latest]) - before,
        )

    def expected(self, known: Mapping[str, Floats]) -> Floats:
        """Return what is expected of each row of what forecasters know."""
        return _expected(self.lines, known)


def _chosen(rows: Rows, chosen: Flags) -> dict[str, Floats]:
    return {name: columns[chosen] for name, columns in rows.known.items()}


def _lines(rows: Rows, name: str, train: Flags) -> dict[str, Line]:
    """Fit a line; that of the model is of what the HAR's leaves."""
    target = np.log(rows.came)
    lines: dict[str, Line] = {}
    for each in (_REFERENCE, name) if name == MODEL else (name,):
        columns = rows.known[each]
        lines[each] = Line.fitted(columns[train], target[train], rows.overlap)
        target = target - lines[each].expected(columns)
    return lines


def _expected(lines: Mapping[str, Line], known: Mapping[str, Floats]) -> Floats:
    first, *others = (line.expected(known[name]) for name, line in lines.items())
    return np.asarray(sum(others, start=first))


def _split(rows: Rows, train: Flags) -> tuple[Flags, Flags]:
    """Return the latest rows to learn from, after those whose outcome was known before them."""
    learnt = np.flatnonzero(train)
    begin_ms = rows.times_ms[learnt[round((1 - _LATEST_SHARE) * len(learnt))]]
    earlier = train & (rows.ends_ms <= begin_ms)
    return (earlier if earlier.any() else train), train & (rows.times_ms >= begin_ms)
