"""Rows as an Arrow IPC stream: what CSV has, in the same order, typed as the rows are."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import nanoarrow
from msgspec import inspect
from nanoarrow.ipc import StreamWriter

ARROW = "application/vnd.apache.arrow.stream"
"""The media type."""

_TYPES: dict[type[inspect.Type], nanoarrow.Schema] = {
    inspect.IntType: nanoarrow.int64(),
    inspect.FloatType: nanoarrow.float64(),
    inspect.BoolType: nanoarrow.bool_(),
    inspect.StrType: nanoarrow.string(),
    inspect.LiteralType: nanoarrow.string(),
}


class Column(NamedTuple):
    """Values of one type, None where there is none."""

    name: str
    type: nanoarrow.Schema
    values: Sequence[Any]


def arrow_of(kind: type[msgspec.Struct], rows: Sequence[Any]) -> bytes:
    """Return rows of a kind as a stream of one batch.

    There is a column for each plain field of the kind, and one for each of `values` by name. What
    else has parts of its own is left out. Without rows there are the columns of the fields.
    """
    columns: list[Column] = []
    for field in msgspec.structs.fields(kind):
        if field.name == "values":
            names = dict.fromkeys(name for row in rows for name in row.values)
            number = nanoarrow.float64()
            columns += [
                Column(name, number, [row.values.get(name) for row in rows]) for name in names
            ]
        elif (plain := _type_of(inspect.type_info(field.type))) is not None:
            columns.append(Column(field.name, plain, [getattr(row, field.name) for row in rows]))
    return _stream(columns, len(rows))


def _type_of(told: inspect.Type) -> nanoarrow.Schema | None:
    """Return what a type of field is, null or not; None for what has parts of its own."""
    if isinstance(told, inspect.UnionType):
        (told, *others) = [one for one in told.types if not isinstance(one, inspect.NoneType)]
        if others:
            return None
    return _TYPES.get(type(told))


def _stream(columns: Sequence[Column], rows: int) -> bytes:
    batch = nanoarrow.c_array_from_buffers(
        nanoarrow.struct(
            [nanoarrow.c_schema(each.type).modify(name=each.name) for each in columns]
        ),
        rows,
        [None],
        children=[nanoarrow.c_array(column.values, column.type) for column in columns],
    )
    out = io.BytesIO()
    with StreamWriter.from_writable(out) as writer:
        writer.write_array(batch)
    return out.getvalue()
