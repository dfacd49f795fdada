"""Trades from Parquet and Feather files, whose columns have the usual names. Needs pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import IO, Any

from marketstream.errors import InputError
from marketstream.readers.columns import RawColumns, Reading, check_roles, read_part, roles_of
from marketstream.readers.table import Part

PARQUET = b"PAR1"
FEATHER = b"ARROW1"
_BLOCK_ROWS = 1 << 17


def read_arrow(stream: IO[bytes], source: str, reading: Reading) -> Iterator[Part]:
    """Yield the trades of a Parquet or Feather (version 2) file, block by block.

    Raises InputError where pyarrow is missing, or where the file cannot be read or does not say
    enough.
    """
    try:
        pa: Any = import_module("pyarrow")
        ipc: Any = import_module("pyarrow.ipc")
        parquet: Any = import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        raise InputError(
            f"{source}: Parquet and Feather are read with pyarrow, which is not installed: "
            "install it, or give CSV"
        ) from error
    content = pa.py_buffer(stream.read())
    try:
        if content[:4].to_pybytes() == PARQUET:
            table = parquet.read_table(pa.BufferReader(content))
        else:
            table = ipc.open_file(content).read_all()
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{source}: cannot be read by pyarrow ({error})") from error
    roles = roles_of(table.column_names)
    check_roles(roles, table.column_names, source)
    for batch in table.select(list(roles.values())).to_batches(max_chunksize=_BLOCK_ROWS):
        raw: RawColumns = {
            role: _texts(column, pa) for role, column in zip(roles, batch.columns, strict=True)
        }
        part = read_part(raw, reading)
        if part is not None:
            yield part


def _texts(column: Any, pa: Any) -> list[bytes]:
    """Return a column as it would stand in a CSV; times as µs, floats in their 15 sure digits."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", tz=kind.tz), safe=False).cast(pa.int64())
    if pa.types.is_floating(kind):
        return [b"" if value is None else b"%.15g" % value for value in column.to_pylist()]
    return [b"" if value is None else str(value).encode() for value in column.to_pylist()]
