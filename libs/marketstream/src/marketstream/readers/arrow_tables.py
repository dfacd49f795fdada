"""Rows from Parquet and Feather files, whose columns have the usual names. Needs pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import IO, Any

import numpy as np

from marketstream.errors import InputError
from marketstream.readers.grammar import Block, Grammar

PARQUET = b"PAR1"
FEATHER = b"ARROW1"
FEATHER_1 = b"FEA1"
ARROW = (PARQUET, FEATHER, FEATHER_1)
_BLOCK_ROWS = 1 << 17
_WHOLE = 1e19


def read_arrow(stream: IO[bytes], source: str, grammar: Grammar) -> Iterator[Block]:
    """Yield the rows of a Parquet or Feather file, block by block.

    Raises InputError where pyarrow is missing, or where the file cannot be read or does not say
    enough.
    """
    pa, table = _table(stream, source)
    form = grammar.header(table.column_names, source)
    if form is None:
        raise InputError(grammar.lacks(table.column_names, source))
    places = list(dict.fromkeys(form.roles.values()))
    for batch in table.select(places).to_batches(max_chunksize=_BLOCK_ROWS):
        texts = dict(zip(places, (_texts(column, pa) for column in batch.columns), strict=True))
        yield Block({role: texts[place] for role, place in form.roles.items()}, form)


def names_in_arrow(stream: IO[bytes], source: str) -> list[str]:
    """Return the names of a Parquet or Feather file's columns; InputError where it is none."""
    _, table = _table(stream, source)
    return list(table.column_names)


def _table(stream: IO[bytes], source: str) -> tuple[Any, Any]:
    try:
        pa: Any = import_module("pyarrow")
        feather: Any = import_module("pyarrow.feather")
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
            return pa, parquet.read_table(pa.BufferReader(content))
        if content[:4].to_pybytes() == FEATHER_1:
            return pa, feather.read_table(pa.BufferReader(content))
        return pa, ipc.open_file(content).read_all()
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{source}: cannot be read by pyarrow ({error})") from error


def _texts(column: Any, pa: Any) -> list[bytes]:
    """Return a column as it would stand in a CSV: times as µs, floats in their shortest form."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", tz=kind.tz), safe=False).cast(pa.int64())
    if pa.types.is_float32(kind):  # 0.1 is no 0.10000000149
        return [b"" if v is None else _float(float(str(np.float32(v)))) for v in column.to_pylist()]
    if pa.types.is_floating(kind):
        return [_float(value) for value in column.to_pylist()]
    return [b"" if value is None else str(value).encode() for value in column.to_pylist()]


def _float(value: float | None) -> bytes:
    if value is None:
        return b""
    # A time in ns is a whole number; with an exponent it would look like a spreadsheet's.
    return b"%d" % value if value.is_integer() and abs(value) < _WHOLE else repr(value).encode()
