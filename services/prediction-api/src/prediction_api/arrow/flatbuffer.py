"""FlatBuffers, as much of them as the messages of Arrow need, written from front to back.

A table is a row of slots, each a scalar or a value that stands further on; a slot that is left out
has its default. See flatbuffers.dev/internals.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

type Value = Scalar | Table | Text | Tables | Structs


class Scalar(NamedTuple):
    """A number in its slot; `form` is a letter of `struct`."""

    form: str
    value: int


class Text(NamedTuple):
    """A string."""

    text: str


class Table(NamedTuple):
    """Values by the number of their slot."""

    slots: Mapping[int, Value]


class Tables(NamedTuple):
    """A vector of tables."""

    tables: Sequence[Table]


class Structs(NamedTuple):
    """A vector of structs, each of two numbers of 64 bits."""

    pairs: Sequence[tuple[int, int]]


def flatbuffer(root: Table) -> bytes:
    """Return a table as a FlatBuffer of its own, whose length is a multiple of 8."""
    out = bytearray(4)
    _point(out, 0, _write(out, root))
    _align(out, 8)
    return bytes(out)


def _write(out: bytearray, value: Table | Text | Tables | Structs) -> int:
    """Append a value and return where it is."""
    match value:
        case Table(slots):
            return _table(out, slots)
        case Text(text):
            encoded = text.encode()
            _align(out, 4)
            at = len(out)
            out += struct.pack("<I", len(encoded)) + encoded + b"\0"
            return at
        case Tables(tables):
            _align(out, 4)
            at = len(out)
            out += struct.pack("<I", len(tables)) + bytes(4 * len(tables))
            for index, table in enumerate(tables):
                _point(out, at + 4 + 4 * index, _table(out, table.slots))
            return at
        case Structs(pairs):
            _align(out, 8, ahead=4)  # the first struct, after the length, is aligned
            at = len(out)
            out += struct.pack("<I", len(pairs))
            for pair in pairs:
                out += struct.pack("<qq", *pair)
            return at


def _table(out: bytearray, slots: Mapping[int, Value]) -> int:
    sizes = {
        slot: struct.calcsize(f"<{value.form}") if isinstance(value, Scalar) else 4
        for slot, value in slots.items()
    }
    offsets, size = {}, 4  # the way back to the vtable comes first
    for slot in sorted(sizes, key=lambda slot: -sizes[slot]):
        size += -size % sizes[slot]
        offsets[slot] = size
        size += sizes[slot]
    count = max(slots, default=-1) + 1
    vtable = [4 + 2 * count, size, *(offsets.get(slot, 0) for slot in range(count))]
    _align(out, 8, ahead=2 * len(vtable))  # the table, after its vtable, is aligned
    out += struct.pack(f"<{len(vtable)}H", *vtable)
    at = len(out)
    out += struct.pack("<i", 2 * len(vtable)) + bytes(size - 4)
    for slot, value in slots.items():
        if isinstance(value, Scalar):
            struct.pack_into(f"<{value.form}", out, at + offsets[slot], value.value)
        else:
            _point(out, at + offsets[slot], _write(out, value))
    return at


def _align(out: bytearray, to: int, ahead: int = 0) -> None:
    """Pad, so that what comes after so many bytes more is aligned."""
    out += bytes(-(len(out) + ahead) % to)


def _point(out: bytearray, at: int, target: int) -> None:
    struct.pack_into("<I", out, at, target - at)
