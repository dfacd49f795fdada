"""What a training set is like, in three small tables: as a whole, row by row, by feature."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from marketstream.columns import FeatureTable, Floats, Times
from marketstream.timeframes import duration_ms
from predictor.gates.distribution import Distribution
from predictor.settings import GateSettings
from predictor.training.prices import Label

_GROWING = re.compile(r"(?:return|trades|volatility)_(\d+(?:ms|s|m|h|d))")
_LONGEST_MS = 60_000

type Columns = dict[str, NDArray[Any]]
type Distributions = dict[str, Distribution]


@dataclass(frozen=True, slots=True)
class Profile:
    """Columns of figures; what is not known, or not limited, is NaN.

    `whole` has one row; `rows` one for each row that can be learnt from, `step_ms` being the time
    since the row before it, used or not; `features` one for each feature that is there and wanted.
    """

    whole: Columns
    rows: Columns
    features: Columns
    distributions: Distributions

    def table(self, name: Literal["whole", "rows", "features"]) -> Columns:
        """Return a table by its name."""
        columns: Columns = getattr(self, name)
        return columns


def profile(
    table: FeatureTable,
    wanted: Sequence[str],
    limits: GateSettings,
    *,
    label: Label,
    now_ms: int,
    last: Mapping[str, Distribution],
) -> Profile:
    """Describe the rows that models would be fitted on; `last` is what they were fitted on before.

    Rows of incomplete candles, and those without a mid where the label is the mid, are left out.
    """
    used = table.complete & (np.isfinite(table.mid) if label == "mid" else True)
    steps = np.diff(table.close_time_ms, prepend=table.close_time_ms[:1])
    step_ms = float(np.median(steps[1:])) if len(table) > 1 else 0.0
    names = [name for name in dict.fromkeys(wanted) if name in table.names]
    values = table.columns(names)
    newest_ms = int(table.close_time_ms[used].max(initial=table.close_time_ms[0]))
    distributions = {
        name: found
        for name, column in zip(names, values[used].T, strict=True)
        if (found := Distribution.of(column)) is not None
    }
    return Profile(
        whole={
            "rows": np.array([np.count_nonzero(used)]),
            "incomplete": np.array([np.count_nonzero(~table.complete)]),
            "incomplete_share": np.array([np.mean(~table.complete)]),
            "gap_share": np.array([np.mean(steps > step_ms)]),
            "age_closes": np.array([(now_ms - newest_ms) / step_ms if step_ms > 0 else 0.0]),
        },
        rows=_rows(table, steps, used),
        features={
            "feature": np.array(names, dtype=object),
            "missing_share": _missing(values, table, used, label, limits.warm_up),
            "infinite": np.isinf(values[used]).sum(axis=0),
            **_ranges(names, values[used], limits.ranges),
            "drift": np.array(
                [
                    last[name].distance(column) if name in last else np.nan
                    for name, column in zip(names, values[used].T, strict=True)
                ],
                np.float64,
            ),
        },
        distributions=distributions,
    )


def _rows(table: FeatureTable, steps: Times, used: NDArray[np.bool_]) -> Columns:
    close = table.close[used]
    step_ms = steps[used].astype(np.float64)
    step_ms[:1] = np.nan  # nothing is known of the time before
    with np.errstate(divide="ignore", invalid="ignore"):  # a close of 0 breaks a rule of its own
        jump = np.abs(np.diff(close, prepend=close[:1])) / np.abs(close)
    return {
        "close_time_ms": table.close_time_ms[used],
        "step_ms": step_ms,
        "close": close,
        "bid": table.bid[used],
        "ask": table.ask[used],
        "jump": jump,
    }


def _missing(
    values: Floats,
    table: FeatureTable,
    used: NDArray[np.bool_],
    label: Label,
    warm_up: int,
) -> Floats:
    """Return in what share of the rows after the warm-up each feature is not known.

    Without a book, features of the book cannot be known: then rows that have one do not count, and
    a feature that never is known is taken for one of the book.
    """
    counted = used & (np.arange(len(table)) >= warm_up)
    if label != "mid":
        counted &= ~np.isfinite(table.mid)
    if not counted.any():
        return np.full(values.shape[1], np.nan)
    missing: Floats = np.isnan(values[counted]).mean(axis=0)
    return missing if label == "mid" else np.where(missing < 1, missing, np.nan)


def _ranges(
    names: Sequence[str], values: Floats, ranges: Mapping[str, tuple[float, float]]
) -> Columns:
    known = np.isfinite(values)
    lowest = np.where(known, values, np.inf).min(axis=0, initial=np.inf)
    highest = np.where(known, values, -np.inf).max(axis=0, initial=-np.inf)
    never = ~known.any(axis=0)
    allowed = np.array([_range_of(name, ranges) for name in names]).reshape(-1, 2)
    return {
        "lowest": np.where(never, np.nan, lowest),
        "least": allowed[:, 0],
        "highest": np.where(never, np.nan, highest),
        "most": allowed[:, 1],
    }


def _range_of(name: str, ranges: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
    """Return the range of the longest key that is the feature's name or begins it."""
    keys = [
        key
        for key in ranges
        if name == key or (name.startswith(f"{key}_") and not _reaches_far(name))
    ]
    return ranges[max(keys, key=len)] if keys else (np.nan, np.nan)


def _reaches_far(name: str) -> bool:
    """Say whether a feature grows with its span, and that is longer than ranges are meant for."""
    match = _GROWING.fullmatch(name)
    return match is not None and duration_ms(match[1]) > _LONGEST_MS
