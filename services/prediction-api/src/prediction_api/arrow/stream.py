"""Columns as an Arrow IPC stream: a schema, one batch of records, and the end.

The format is version 1 of Arrow's columnar format (arrow.apache.org/docs/format/Columnar.html),
whose numbers are little-endian and whose buffers are aligned to 8 bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from prediction_api.arrow.flatbuffer import Scalar, Structs, Table, Tables, Text, Value, flatbuffer

ARROW = "application/vnd.apache.arrow.stream"
"""The media type."""

type Kind = Literal["int", "float", "bool", "text"]

_V5, _SCHEMA, _RECORD_BATCH = 4, 1, 3  # of Message.fbs
_CONTINUES, _END = b"\xff\xff\xff\xff", bytes(4)
_TYPES: dict[Kind, tuple[int, Table]] = {  # of Schema.fbs: a number and a table for each type
    "int": (2, Table({0: Scalar("i", 64), 1: Scalar("B", 1)})),
    "float": (3, Table({0: Scalar("h", 2)})),  # of double precision
    "text": (5, Table({})),
    "bool": (6, Table({})),
}


class Column(NamedTuple):
    """Values of one kind, None where there is none."""

    name: str
    kind: Kind
    values: Sequence[Any]


def arrow_stream(columns: Sequence[Column]) -> bytes:
    """Return columns of equal length as a stream."""
    fields = Tables([_field(column) for column in columns])
    out = _message(_SCHEMA, Table({1: fields}), 0)
    rows = len(columns[0].values) if columns else 0
    body = bytearray()
    nodes, buffers = [], []
    for column in columns:
        nodes.append((rows, sum(value is None for value in column.values)))
        for buffer in _buffers(column):
            buffers.append((len(body), len(buffer)))
            body += buffer + bytes(-len(buffer) % 8)
    batch = Table({0: Scalar("q", rows), 1: Structs(nodes), 2: Structs(buffers)})
    out += _message(_RECORD_BATCH, batch, len(body))
    return bytes(out + body + _CONTINUES + _END)


def _message(kind: int, header: Table, body_length: int) -> bytearray:
    slots: dict[int, Value] = {0: Scalar("h", _V5), 1: Scalar("B", kind), 2: header}
    told = flatbuffer(Table({**slots, 3: Scalar("q", body_length)}))
    return bytearray(_CONTINUES + struct.pack("<i", len(told)) + told)


def _field(column: Column) -> Table:
    number, of = _TYPES[column.kind]
    name, is_nullable = Text(column.name), Scalar("B", 1)
    slots: dict[int, Value] = {0: name, 1: is_nullable, 2: Scalar("B", number), 3: of}
    return Table({**slots, 5: Tables([])})  # whose children are none, and yet are read


def _buffers(column: Column) -> list[bytes]:
    """Return which values are there, nothing where all are, and the values themselves."""
    values = column.values
    is_there = [value is not None for value in values]
    there = b"" if all(is_there) else _bits(is_there)
    match column.kind:
        case "int":
            return [there, np.array([value or 0 for value in values], "<i8").tobytes()]
        case "float":
            zero = 0.0
            known = [zero if value is None else value for value in values]
            return [there, np.array(known, "<f8").tobytes()]
        case "bool":
            return [there, _bits([bool(value) for value in values])]
        case "text":
            encoded = [("" if value is None else value).encode() for value in values]
            ends = np.cumsum([0, *map(len, encoded)], dtype="<i4")
            return [there, ends.tobytes(), b"".join(encoded)]


def _bits(values: Sequence[bool]) -> bytes:
    return np.packbits(np.array(values, bool), bitorder="little").tobytes()
