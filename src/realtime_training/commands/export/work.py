"""Tables of the store as Parquet files, an hour at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any, Self

import msgspec

from marketstream.errors import StateError
from marketstream.store.port import Store
from marketstream.store.rows import Stored, columns_of
from marketstream.store.tables import column_types
from marketstream.timeframes import stretches

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS


def days_of(from_ms: int, to_ms: int) -> float:
    """Return how long a range of time is."""
    return (to_ms - from_ms) / _DAY_MS


def write_tables(
    store: Store,
    folder: Path,
    kinds: Sequence[str],
    ranges: Mapping[str, tuple[int, int]],
    advance: Callable[[float], None],
) -> dict[str, int]:
    """Write a file for each kind of row; return how many rows each has.

    `advance` is told how many days of them have been written. Raises StateError where a file
    cannot be written, or pyarrow is not installed.
    """
    reads: Mapping[str, Callable[[str, str, int, int], Sequence[Stored]]] = {
        "candles": store.candles,
        "predictions": store.predictions,
        "outcomes": store.outcomes,
        "move_forecasts": store.move_forecasts,
        "move_outcomes": store.move_outcomes,
    }
    rows = dict.fromkeys(kinds, 0)
    done = 0.0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as files:
            tables = {kind: files.enter_context(_ParquetTable(folder, kind)) for kind in rows}
            for market, (from_ms, to_ms) in ranges.items():
                timeframes = store.timeframes(market)
                for hour in stretches(from_ms, to_ms, _HOUR_MS):
                    for kind, table in tables.items():
                        for timeframe in timeframes:
                            found = reads[kind](market, timeframe, *hour)
                            table.write(found)
                            rows[kind] += len(found)
                    done += days_of(*hour)
                    advance(done)
    except OSError as error:
        raise StateError(f"{folder}: cannot be written ({error})") from error
    return rows


class _ParquetTable:
    """A file that takes its place once it is whole."""

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / f"{name}.parquet"
        self._growing = self._path.with_suffix(".parquet.part")
        try:
            self._pa: Any = import_module("pyarrow")
            parquet: Any = import_module("pyarrow.parquet")
        except ModuleNotFoundError as error:
            raise StateError(
                f"{self._path}: is written with pyarrow, which is not installed: install it"
            ) from error
        kinds = {int: self._pa.int64(), float: self._pa.float64(), bool: self._pa.bool_()}
        self._schema = self._pa.schema(
            [
                (column, kinds.get(kind, self._pa.string()))
                for column, kind in column_types(name).items()
            ]
        )
        self._writer: Any = parquet.ParquetWriter(self._growing, self._schema, compression="zstd")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._writer.close()
        if kind is None:
            self._growing.replace(self._path)
        else:
            self._growing.unlink()

    def write(self, rows: Sequence[Stored]) -> None:
        """Add rows."""
        if not rows:
            return
        columns = [columns_of(row) for row in rows]
        arrays = [
            self._pa.array([_plain(row[field.name]) for row in columns], field.type)
            for field in self._schema
        ]
        self._writer.write_table(self._pa.Table.from_arrays(arrays, schema=self._schema))


def _plain(value: object) -> object:
    """Return a value as a column holds it: what has parts of its own as JSON."""
    if isinstance(value, dict | tuple | msgspec.Struct):
        return msgspec.json.encode(value).decode()
    return value
