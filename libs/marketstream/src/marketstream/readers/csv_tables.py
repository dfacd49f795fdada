"""Trades from CSV: with a header, or without one where the form is a known one."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

from marketstream.errors import InputError
from marketstream.readers.columns import RawColumns, Reading, Role, check_roles, read_part, roles_of
from marketstream.readers.numbers import read_numbers
from marketstream.readers.table import Part
from marketstream.readers.times import read_times_us

_BLOCK_BYTES = 1 << 18  # small enough to stay in the processor's cache
_DELIMITERS = (b",", b";", b"\t", b"|")
_BOOLEANS = (b"true", b"false")
_TRADES: dict[Role, int] = {"id": 0, "price": 1, "quantity": 2, "time": 4, "buyer_is_maker": 5}
_AGGREGATES: dict[Role, int] = {
    "price": 1, "quantity": 2, "first_id": 3, "last_id": 4, "time": 5, "buyer_is_maker": 6,
}  # fmt: skip
_KRAKEN: dict[Role, int] = {"time": 0, "price": 1, "quantity": 2}


class UnknownForm(InputError):  # noqa: N818 - it names what was found
    """A file without a header whose form is none that is known."""


def read_csv(stream: IO[bytes], source: str, reading: Reading) -> Iterator[Part]:
    """Yield the trades of a CSV, block by block.

    The forms known without a header are Binance's archives of trades and aggregate trades and
    Kraken's dump (seconds, price, volume); else the header of a file of as many columns that was
    read before counts. Raises UnknownForm where there was none, InputError where it does not say
    enough.
    """
    first = b""
    while not first.strip():
        first = stream.readline()
        if not first:
            return
    first = first.removeprefix(b"\xef\xbb\xbf")
    delimiter = max(_DELIMITERS, key=first.count)
    cells = _cells(first, delimiter)
    lines: list[bytes] = []
    if read_numbers(cells).ok.any() or read_times_us(cells)[1].any():
        lines = [first]
        roles = reading.layouts.get(len(cells)) or _form_without_header(cells, source)
    else:
        names = [cell.decode("utf-8", "replace") for cell in cells]
        roles = roles_of(names)
        check_roles(roles, names, source)
        reading.layouts[len(cells)] = roles
    known = roles in (_TRADES, _AGGREGATES)
    while lines := lines + stream.readlines(_BLOCK_BYTES):
        raw = _columns(lines, delimiter, len(cells), roles, reading)
        part = read_part(raw, reading, consecutive=known)
        if part is not None:
            yield part
        lines = []


def _cells(line: bytes, delimiter: bytes) -> list[bytes]:
    """Split a line; what stands in quotes may hold the delimiter."""
    text = line.decode("utf-8", "surrogateescape").strip("\r\n")
    cells = next(csv.reader([text], delimiter=delimiter.decode()), [])
    return [cell.strip().encode("utf-8", "surrogateescape") for cell in cells]


def _form_without_header(cells: Sequence[bytes], source: str) -> dict[Role, int]:
    lower = [cell.lower() for cell in cells]
    if len(cells) in (6, 7) and lower[5] in _BOOLEANS:
        return _TRADES
    if len(cells) in (7, 8) and lower[6] in _BOOLEANS:
        return _AGGREGATES
    if len(cells) == len(_KRAKEN) and read_times_us(cells[:1])[1].all():
        return _KRAKEN
    raise UnknownForm(
        f"{source}: {len(cells)} columns without a header are no form that is known: add a first "
        "line that names columns time, price, quantity and, where they are known, side and id"
    )


def _columns(
    lines: Sequence[bytes],
    delimiter: bytes,
    width: int,
    roles: Mapping[Role, int],
    reading: Reading,
) -> RawColumns:
    rows = []
    for line in lines:
        fields = line.rstrip(b"\r\n").replace(b'"', b"").split(delimiter)
        if len(fields) != width:
            fields = _cells(line, delimiter)
        if len(fields) == width:
            rows.append(fields)
        elif line.strip():
            reading.unusable["wrong number of columns"] += 1
    return {role: [row[index] for row in rows] for role, index in roles.items()}
