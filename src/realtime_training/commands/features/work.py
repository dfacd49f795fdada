"""`realtime features`: a table of features as CSV, Parquet or Feather."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import IO, Any

import numpy as np

from marketstream.columns import FeatureTable
from marketstream.errors import StateError
from realtime_training.datasets import Recorded
from realtime_training.output import ARROW, opened, write_arrow

_POINTS = ("bid", "ask", "close")


def write_features(table: FeatureTable, output: Path | None) -> None:
    """Write a row per close to a file, or as CSV to stdout; the name says in which form.

    Raises StateError where the file cannot be written, SettingsError for a form there is none of.
    """
    try:
        if output is not None and output.suffix in ARROW:
            write_arrow(_columns(table), output)
            return
        with opened(output) as file:
            _write_csv(table, file)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StateError(f"{output}: cannot be written ({error})") from error


def summary(data: Recorded) -> dict[str, Any]:
    """Return what `--json` prints."""
    table = data.table
    known = np.isfinite(table.values).mean(axis=0) if len(table) else np.zeros(len(table.names))
    return {
        "symbol": data.symbol,
        "timeframe": data.timeframe,
        "label": data.label,
        "rows": len(table),
        "incomplete": int((~table.complete).sum()),
        "feature_set": data.feature_set,
        "features": dict(zip(table.names, known.round(6).tolist(), strict=True)),
        "used_by_models": list(data.used),
        "features_not_used": dict(data.unused),
        "data": data.identity,
        "cached": data.cached,
    }


def _columns(table: FeatureTable) -> dict[str, np.ndarray]:
    return {
        "close_time_ms": table.close_time_ms,
        **{name: getattr(table, name) for name in _POINTS},
        "complete": table.complete,
        **{name: table.values[:, index] for index, name in enumerate(table.names)},
    }


def _write_csv(table: FeatureTable, file: IO[str]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    columns = _columns(table)
    writer.writerow(columns)
    numbers = np.column_stack([getattr(table, name) for name in _POINTS])
    for time_ms, points, complete, values in zip(
        table.close_time_ms.tolist(), numbers.tolist(), table.complete.tolist(),
        table.values.tolist(), strict=True,
    ):  # fmt: skip
        writer.writerow(
            [time_ms, *map(_text, points), "true" if complete else "false", *map(_text, values)]
        )


def _text(value: float) -> str:
    return "" if value != value else repr(value)
