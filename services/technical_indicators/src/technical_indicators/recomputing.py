"""Published feature vectors beside those that the columnar form makes of the same candles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from marketstream.columns import FeatureTable, Flags, Floats, Times
from marketstream.messages import Features

AGREEMENT = 1e-9


class Difference(NamedTuple):
    """The feature of a published vector that differs most from the one computed anew."""

    close_time_ms: int
    feature: str
    published: float | None
    computed: float | None
    deviation: float


class Comparison(NamedTuple):
    """How the vectors of a window compare.

    `equal` and `differing` ones could be compared; `undecided` are those that differ in what need
    not be equal alone, and those whose candle is not there. `largest` is the largest deviation of
    those that could be compared, None where none could.
    """

    equal: int
    undecided: int
    differing: Sequence[Difference]
    largest: float | None


def compare(
    table: FeatureTable,
    published: Sequence[Features],
    sure: Flags,
    may_lack: Sequence[str] = (),
    of_prices: Sequence[str] = (),
) -> Comparison:
    """Compare published vectors with the rows of a table; what is `sure` of it must be equal.

    `sure` has a row for each of the table, and a column for each feature, or one for all. A feature
    that `may_lack` something when it was published may be unknown there alone. Those `of_prices`
    come of sums that go on from close to close and round as large numbers do: of them it counts how
    they differ as a share of the price.
    """
    rows = {close_ms: row for row, close_ms in enumerate(table.close_time_ms.tolist())}
    found = [features for features in published if features.close_time_ms in rows]
    if not found:
        return Comparison(0, len(published), (), None)
    at = np.array([rows[features.close_time_ms] for features in found])
    said, made = FeatureTable.of(found).columns(table.names), table.values[at]
    prices = np.maximum(1.0, np.nan_to_num(table.close[at]))[:, np.newaxis]
    sizes = np.where(np.isin(np.array(table.names), of_prices), prices, 1.0)
    by_feature = deviations(said, made, sizes)
    lacking = np.isin(np.array(table.names), may_lack) & np.isnan(said)
    by_feature[lacking] = 0.0
    beyond = by_feature > AGREEMENT
    must = np.broadcast_to(sure[at], beyond.shape)
    wrong = (beyond & must).any(axis=1)
    counted = wrong | ~beyond.any(axis=1)
    judged = np.where(beyond & ~must, 0.0, by_feature)
    differing = [
        Difference(
            found[index].close_time_ms,
            table.names[column],
            found[index].values[table.names[column]],
            None if np.isnan(made[index, column]) else float(made[index, column]),
            float(judged[index, column]),
        )
        for index in np.flatnonzero(wrong).tolist()
        for column in [int(judged[index].argmax())]
    ]
    largest = float(judged[counted].max()) if counted.any() else None
    equal = int(np.count_nonzero(counted)) - len(differing)
    return Comparison(equal, len(published) - equal - len(differing), differing, largest)


def deviations(one: Floats, other: Floats, sizes: Floats | float = 1.0) -> Floats:
    """Return by how much numbers differ, as a share of the largest of both and their size.

    It is 0 where both are unknown (NaN), and 1 where one of them is.
    """
    size = np.maximum(sizes, np.maximum(np.abs(one), np.abs(other)))
    with np.errstate(invalid="ignore"):
        apart = np.where(one == other, 0.0, np.abs(one - other) / size)
    return np.where(np.isnan(apart), np.where(np.isnan(one) & np.isnan(other), 0.0, 1.0), apart)


def undisturbed(close_time_ms: Times, disturbed_ms: Sequence[int], reach_ms: int) -> Flags:
    """Return the closes that have no disturbance less than `reach_ms` before them, or at them."""
    times = np.array([-reach_ms, *sorted(disturbed_ms)], np.int64)
    last = times[np.searchsorted(times, close_time_ms, side="right") - 1]
    return np.asarray(close_time_ms - last >= reach_ms, np.bool_)
