"""Rows of one kind as compressed columns, bit for bit: an eighth as long as rows of a table.

A column of numbers is one array whose bytes are grouped by their place, so that exponents stand
beside exponents, and deflated; numbers with few decimals are whole units of the last, and what
follows from other columns is how far it is beside that. Of words and small mappings each different
one is kept once; books are deflated together. Vectors
are a column a name, with one layout for all rows that have the same names. Columns are deflated one
by one, and so read one by one.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, get_args, get_type_hints

import msgspec
import numpy as np
from numpy.typing import NDArray

from marketstream.columns import Floats, Integers
from marketstream.errors import StateError
from marketstream.messages import Prediction, Said
from marketstream.store.foretold import (
    FORETOLD,
    added,
    beside,
    foretell,
    served,
    sizes,
    values_beside,
)

_LEVEL = 6
_NO_DECIMALS, _MOST_DECIMALS, _FEW_STEPS, _LARGEST = -1, 8, 8, 2.0**53
_UNKNOWN = np.iinfo(np.int64).min  # no time and no count is that


class Codes(NamedTuple):
    """A column of words: the different `values`, and for each row which of them it has."""

    values: list[Any]
    codes: NDArray[np.uint32]

    def having(self, value: object) -> NDArray[np.bool_]:
        """Say of each row whether it has this one."""
        return np.array([each == value for each in self.values], bool)[self.codes]


def pack(rows: Sequence[msgspec.Struct], also: Mapping[str, Sequence[int | None]]) -> bytes:
    """Return the columns of rows of one kind; `also` are columns of integers to keep beside."""
    columns = {
        name: codec.encode([getattr(row, name) for row in rows])
        for name, codec in _codecs(type(rows[0])).items()
    }
    if isinstance(rows[0], Prediction):
        columns |= _encode_foretold(rows)  # type: ignore[arg-type]  # of one kind
    columns |= {name: _INTEGERS.encode(values) for name, values in also.items()}
    return msgspec.msgpack.encode(columns)


@contextmanager
def _read() -> Iterator[None]:
    """Say StateError of bytes that are not what was packed."""
    try:
        yield
    except (zlib.error, msgspec.MsgspecError, ValueError, KeyError, IndexError, TypeError) as error:
        raise StateError(
            f"a row of the table packed cannot be read ({type(error).__name__}: {error}): the "
            "database is damaged: restore a backup, or delete that row"
        ) from error


@_read()
def unpack[Row: msgspec.Struct](kind: type[Row], data: bytes) -> list[Row]:
    """Return the rows; a field that they did not have yet is what the message says by default.

    Raises StateError, as all that reads does, where the bytes are damaged.
    """
    columns = msgspec.msgpack.decode(data)
    codecs = {name: codec for name, codec in _codecs(kind).items() if name in columns}
    foretold = FORETOLD if kind is Prediction else ()
    fields = {n: codec.decode(columns[n]) for n, codec in codecs.items() if n not in foretold}
    if foretold:
        fields |= _decode_foretold(columns, fields)
    return [
        kind(**dict(zip(fields, values, strict=True)))
        for values in zip(*fields.values(), strict=True)
    ]


@_read()
def words(kind: type[msgspec.Struct], data: bytes, *names: str) -> list[Codes]:
    """Return columns of words alone."""
    columns = msgspec.msgpack.decode(data)
    return [_codes(columns[name], get_type_hints(kind)[name]) for name in names]


@_read()
def integers(data: bytes, *names: str) -> list[Integers]:
    """Return columns of integers alone; what is not known in one is `unknown`."""
    columns = msgspec.msgpack.decode(data)
    return [_read_integers(columns[name]) for name in names]


def unknown(column: Integers) -> NDArray[np.bool_]:
    """Say of each value of a column of integers whether it is not known."""
    is_unknown: NDArray[np.bool_] = column == _UNKNOWN
    return is_unknown


class _Codec(NamedTuple):
    """How the values of a field become something that MessagePack holds, and come back."""

    encode: Callable[[Sequence[Any]], Any]
    decode: Callable[[Any], list[Any]]


def _codecs(kind: type[msgspec.Struct]) -> dict[str, _Codec]:
    hints = get_type_hints(kind)
    return {name: _codec(hints[name]) for name in kind.__struct_fields__}


def _codec(hint: Any) -> _Codec:
    if hint in (float, float | None):
        return _FLOATS
    if hint in (int, int | None):
        return _INTEGERS
    if hint == dict[str, float | None]:
        return _VECTORS
    if hint == dict[str, Said]:
        return _CANDIDATES
    if any(isinstance(part, type) and issubclass(part, msgspec.Struct) for part in get_args(hint)):
        decode = msgspec.msgpack.Decoder(list[hint]).decode
        return _Codec(_encode_structs, lambda column: decode(zlib.decompress(column)))
    return _Codec(_encode_words, lambda column: _decode_words(column, hint))


def _encode_structs(values: Sequence[Any]) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(values), _LEVEL)


def _deflated(array: NDArray[Any]) -> bytes:
    planes = np.ascontiguousarray(array).view(np.uint8).reshape(len(array), array.itemsize).T
    return zlib.compress(planes.tobytes(), _LEVEL)


def _inflated(data: bytes, kind: str) -> NDArray[Any]:
    planes = np.frombuffer(zlib.decompress(data), np.uint8)
    size = np.dtype(kind).itemsize
    rows = np.ascontiguousarray(planes.reshape(size, len(planes) // size).T)
    return rows.reshape(-1).view(kind)


def _encode_floats(values: Sequence[float | None]) -> tuple[int, list[bytes]]:
    numbers = np.array(values, "<f8")  # None becomes NaN, which is never stored
    for decimals in range(_MOST_DECIMALS + 1):
        units, steps = _units(numbers, decimals)
        if steps.max(initial=0) <= _FEW_STEPS:
            return decimals, [_deflated(np.diff(units, prepend=np.int64(0))), _deflated(steps)]
    return _NO_DECIMALS, [_deflated(numbers)]


def _units(numbers: Floats, decimals: int) -> tuple[Integers, Integers]:
    """Return numbers in whole units of a last decimal, and how far they are beside those."""
    scale = 10.0**decimals
    known = np.isfinite(numbers) & (np.abs(numbers) < _LARGEST / scale)
    units = np.rint(np.where(known, numbers, 0.0) * scale).astype("<i8")
    units[np.isnan(numbers)] = _UNKNOWN
    return units, beside(numbers, _of_units(units, scale))


def _of_units(units: Integers, scale: float) -> Floats:
    return np.where(unknown(units), np.nan, units / scale)


def _read_floats(column: tuple[int, list[bytes]]) -> Floats:
    decimals, data = column
    if decimals == _NO_DECIMALS:
        return _inflated(data[0], "<f8")
    guess = _of_units(_read_integers(data[0]), 10.0**decimals)
    return values_beside(_inflated(data[1], "<i8"), guess)


def _decode_floats(column: tuple[int, list[bytes]]) -> list[float | None]:
    return [None if value != value else value for value in _read_floats(column).tolist()]


def _encode_integers(values: Sequence[int | None]) -> bytes:
    numbers = np.array([_UNKNOWN if value is None else value for value in values], "<i8")
    return _deflated(np.diff(numbers, prepend=np.int64(0)))  # wraps, and so back


def _read_integers(column: bytes) -> Integers:
    return np.cumsum(_inflated(column, "<i8"))


def _decode_integers(column: bytes) -> list[int | None]:
    return [None if value == _UNKNOWN else value for value in _read_integers(column).tolist()]


def _encode_words(values: Sequence[Any]) -> tuple[list[bytes], bytes]:
    places: dict[bytes, int] = {}
    codes = [places.setdefault(msgspec.msgpack.encode(value), len(places)) for value in values]
    return list(places), _deflated(np.array(codes, "<u4"))


def _codes(column: tuple[list[bytes], bytes], hint: Any) -> Codes:
    values, codes = column
    decode = msgspec.msgpack.Decoder(hint).decode
    try:
        known = [decode(value) for value in values]
    except msgspec.ValidationError:  # a word of another version, which a table would give back too
        known = [msgspec.msgpack.decode(value) for value in values]
    return Codes(known, _inflated(codes, "<u4"))


def _decode_words(column: tuple[list[bytes], bytes], hint: Any) -> list[Any]:
    values, codes = _codes(column, hint)
    return [values[code] for code in codes.tolist()]


def _encode_tables(rows: Iterable[tuple[tuple[Any, ...], Sequence[float | None]]]) -> list[Any]:
    """Encode rows of a layout and its numbers: each layout has a table of its own."""
    layouts: list[tuple[Any, ...]] = []
    tables: dict[tuple[Any, ...], list[Sequence[float | None]]] = {}
    for layout, numbers in rows:
        layouts.append(layout)
        tables.setdefault(layout, []).append(numbers)
    columns = [
        [_encode_floats(column) for column in zip(*table, strict=True)] for table in tables.values()
    ]
    return [_encode_words(layouts), columns]


def _decode_tables(column: Any) -> Iterator[tuple[list[Any], list[Any]]]:
    layouts, tables = column
    values, codes = _codes(layouts, list[Any])
    rows = [zip(*map(_decode_floats, table), strict=True) if table else None for table in tables]
    for code in codes.tolist():
        table = rows[code]
        yield values[code], list(next(table)) if table is not None else []


def _encode_vectors(values: Sequence[dict[str, float | None]]) -> Any:
    return _encode_tables((tuple(vector), tuple(vector.values())) for vector in values)


def _decode_vectors(column: Any) -> list[dict[str, float | None]]:
    return [dict(zip(*row, strict=True)) for row in _decode_tables(column)]


def _encode_candidates(values: Sequence[dict[str, Said]]) -> Any:
    """Encode all but the last weights, and how far these are beside what is left of one."""
    said = [tuple(each.values()) for each in values]
    numbers = [[n for one in each for n in (one.p_up, one.weight)] for each in said]
    layouts = [tuple((name, one.model) for name, one in each.items()) for each in values]
    tables = _encode_tables(zip(layouts, [each[:-1] for each in numbers], strict=True))
    last = np.array([each[-1] if each else 0.0 for each in numbers])
    return [*tables, _deflated(beside(last, _left([each[:-1] for each in numbers])))]


def _left(numbers: Sequence[Sequence[Any]]) -> Floats:
    """Return what the weights, every second of the numbers, leave of one."""
    return np.array([1 - added(each[1::2]) for each in numbers])


def _decode_candidates(column: Any) -> list[dict[str, Said]]:
    *tables, steps = column
    rows = list(_decode_tables(tables))
    last = values_beside(_inflated(steps, "<i8"), _left([row for _, row in rows]))
    return [
        {
            name: Said(p_up, weight, model)
            for (name, model), p_up, weight in zip(
                layout, row[::2], [*row[1::2], rest], strict=True
            )
        }
        if layout
        else {}
        for (layout, row), rest in zip(rows, last.tolist(), strict=True)
    ]


def _encode_foretold(rows: Sequence[Prediction]) -> dict[str, Any]:
    known = {
        name: np.array([getattr(row, name) for row in rows], "<f8")
        for name in ("mid", "p_flat", *FORETOLD)
    }
    known["served"] = np.array([served(row.candidates) for row in rows])
    known["size"] = np.array(sizes(rows))
    columns: dict[str, Any] = {
        name: _deflated(beside(known[name], foretell(name, known))) for name in FORETOLD
    }
    return columns | {"size": _encode_words(known["size"].tolist())}


def _decode_foretold(columns: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: np.array(fields[name], "<f8") for name in ("mid", "p_flat")}
    known["served"] = np.array(list(map(served, fields["candidates"])))
    known["size"] = np.array(_decode_words(columns["size"], float))
    for name in FORETOLD:
        known[name] = values_beside(_inflated(columns[name], "<i8"), foretell(name, known))
    return {name: known[name].tolist() for name in FORETOLD}


_FLOATS = _Codec(_encode_floats, _decode_floats)
_INTEGERS = _Codec(_encode_integers, _decode_integers)
_VECTORS = _Codec(_encode_vectors, _decode_vectors)
_CANDIDATES = _Codec(_encode_candidates, _decode_candidates)
