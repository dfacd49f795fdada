"""Rows from CSV: with a header, wherever it stands, or without one where the form is known."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import IO, NamedTuple

import numpy as np

from marketstream.errors import InputError
from marketstream.readers.grammar import Block, Form, Grammar, Reading
from marketstream.readers.numbers import read_numbers
from marketstream.readers.times import read_times_us

_BLOCK_BYTES = 1 << 18  # small enough to stay in the processor's cache
_DELIMITERS = (b",", b";", b"\t", b"|")
_LINES_BEFORE_TABLE = 20
_LETTERS = b"A"  # what is not less begins like a name
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class NoTable(InputError):  # noqa: N818 - it names what was found
    """A file in which there is neither a header nor a row of data."""


class UnknownForm(InputError):  # noqa: N818 - it names what was found
    """A file without a header whose form is none that is known."""


class _Layout(NamedTuple):
    delimiter: bytes
    width: int
    form: Form


def read_csv(stream: IO[bytes], source: str, reading: Reading, grammar: Grammar) -> Iterator[Block]:
    """Yield the rows of a CSV, block by block, of one layout each.

    Lines before the table, and headers that come again in the middle, are counted as ignored; rows
    of another number of columns are unusable. Without a header the form is one that the grammar
    knows, or that of a file of as many columns that was read before. Raises UnknownForm where it is
    none of these, NoTable where there is nothing like a table, InputError where it does not say
    enough.
    """
    found = _find_table(stream, source, reading, grammar)
    if found is None:
        return
    layout, first, passed = found
    lines: Sequence[bytes] = first
    number = passed - len(first) + 1  # of the first line of a block
    while lines := lines or stream.readlines(_BLOCK_BYTES):
        at = 0
        while at < len(lines):
            table = _Rows(layout, source, grammar, reading, number + at)
            at, layout = table.take(lines, at)
            yield from table.block()
        number += len(lines)
        lines = []


def cells_of(line: bytes, delimiter: bytes) -> list[bytes]:
    """Split a line; what stands in quotes may hold the delimiter."""
    text = line.decode("utf-8", "surrogateescape").strip("\r\n").replace("\0", "")
    try:
        cells = next(csv.reader([text], delimiter=delimiter.decode()), [])
    except csv.Error:  # a cell longer than any number or name
        cells = text.split(delimiter.decode())
    return [cell.strip().encode("utf-8", "surrogateescape") for cell in cells]


def first_cells(line: bytes) -> list[bytes]:
    """Split a line at the mark that it has most of."""
    return cells_of(line, _delimiter(line))


def is_data(cells: Sequence[bytes]) -> bool:
    """Say whether any of the cells is a number or a time."""
    return bool(read_numbers(cells).ok.any()) or any(_is_time(cell) for cell in cells)


def _is_time(cell: bytes) -> bool:
    try:
        return bool(read_times_us([cell])[1].all())
    except InputError:  # a date whose order its row alone does not tell
        return True


def _delimiter(line: bytes) -> bytes:
    return max(_DELIMITERS, key=line.count)


def _find_table(
    stream: IO[bytes], source: str, reading: Reading, grammar: Grammar
) -> tuple[_Layout, list[bytes], int] | None:
    """Return the layout of a table, the rows taken to tell it, and how many lines were read."""
    before: list[bytes] = []
    for number, line in enumerate(chain.from_iterable(iter(lambda: stream.readlines(1), [])), 1):
        line = line.removeprefix(_BYTE_ORDER_MARK)
        if not line.strip():
            continue
        layout = _header(line, source, grammar)
        if layout is None:
            layout = _without_header(line, source, reading, grammar)
            if layout is not None:
                _check_no_names(before, layout, source, grammar)
        if layout is not None:
            return layout, _between(before, line, layout, reading), number
        before.append(line)
        if len(before) == _LINES_BEFORE_TABLE:
            break
    if not before:
        return None
    cells = first_cells(before[0])
    if is_data(cells):
        raise UnknownForm(
            f"{source}: {len(cells)} columns without a header are no form that is known: add a "
            f"first line that names columns {grammar.wanted}"
        )
    raise NoTable(grammar.lacks(_as_names(cells), source))


def _check_no_names(
    before: Sequence[bytes], layout: _Layout, source: str, grammar: Grammar
) -> None:
    """Raise InputError where rows of a known form stand under names that say something else."""
    for line in before:
        cells = cells_of(line, layout.delimiter)
        if len(cells) == layout.width and not is_data(cells):
            raise InputError(grammar.lacks(_as_names(cells), source))


def _as_names(cells: Sequence[bytes]) -> list[str]:
    return [cell.decode("utf-8", "replace") for cell in cells]


def _header(line: bytes, source: str, grammar: Grammar) -> _Layout | None:
    delimiter = _delimiter(line)
    cells = cells_of(line, delimiter)
    form = grammar.header(_as_names(cells), source)
    return None if form is None else _Layout(delimiter, len(cells), form)


def _without_header(line: bytes, source: str, reading: Reading, grammar: Grammar) -> _Layout | None:
    delimiter = _delimiter(line)
    cells = cells_of(line, delimiter)
    if not is_data(cells):
        return None
    form = reading.forms.get(len(cells)) or grammar.without_header(cells, source)
    return None if form is None else _Layout(delimiter, len(cells), form)


def _between(
    before: Sequence[bytes], line: bytes, layout: _Layout, reading: Reading
) -> list[bytes]:
    """Keep what is a row, perhaps a damaged one; note the header, and count what is neither."""
    rows = []
    for each in before:
        if is_data(cells_of(each, layout.delimiter)):
            rows.append(each)
        else:
            reading.ignored["line before the table"] += 1
    if is_data(cells_of(line, layout.delimiter)):
        return [*rows, line]
    reading.forms[layout.width] = layout.form
    return rows


class _Rows:
    """The rows of one layout, of which some may be damaged."""

    def __init__(
        self, layout: _Layout, source: str, grammar: Grammar, reading: Reading, number: int
    ) -> None:
        self._layout = layout
        self._source = source
        self._grammar = grammar
        self._reading = reading
        self._rows: list[list[bytes]] = []
        self._first_line = number
        self._blank: list[int] = []  # after how many rows each line came that is none
        self._broken: list[int] = []
        self._number = layout.form.roles[grammar.telling]

    def take(self, lines: Sequence[bytes], at: int) -> tuple[int, _Layout]:
        """Take in the lines from a position up to a header; return where to go on, and its layout.

        Without a header these are the end and the same layout.
        """
        (delimiter, width, _), number, keep = self._layout, self._number, self._rows.append
        for place in range(at, len(lines)):
            fields = lines[place].rstrip(b"\r\n").replace(b'"', b"").split(delimiter)
            if len(fields) == width and fields[number] < _LETTERS:
                keep(fields)
                continue
            had = len(self._rows)
            again = self._add_odd(lines[place])
            if len(self._rows) == had:
                self._blank.append(had)
            if again is not None:
                return place + 1, again
        return len(lines), self._layout

    def _add_odd(self, line: bytes) -> _Layout | None:
        """Add a line that is no plain row; return the layout of one that is a header."""
        delimiter, width, _ = self._layout
        fields = cells_of(line, delimiter)
        if len(fields) == width + 1 and not fields[-1]:
            del fields[-1]
        if len(fields) == width and fields[self._number] < _LETTERS:
            self._rows.append(fields)
            return None
        if not line.strip():
            return None
        again = _header(line, self._source, self._grammar)
        if again is not None:
            self._reading.ignored["header in the middle"] += 1
            self._reading.forms[again.width] = again.form
            return again
        if len(fields) == width:
            self._rows.append(fields)
            return None
        self._reading.unusable["wrong number of columns"] += 1
        self._broken.append(len(self._rows))
        self._rows.append(_padded(fields, width))
        return None

    def block(self) -> Iterator[Block]:
        """Yield the rows as columns by role, if there are any."""
        if self._rows:
            columns = list(zip(*self._rows, strict=True))
            form = self._layout.form
            raw = {role: list(columns[index]) for role, index in form.roles.items()}
            rows = np.arange(len(self._rows))
            blank = np.searchsorted(np.array(self._blank, np.int64), rows, side="right")
            yield Block(raw, form, self._broken, self._first_line + rows + blank)


def _padded(fields: list[bytes], width: int) -> list[bytes]:
    """Return a damaged row in the table's width: what is cut off, or out of place, is blank."""
    whole = fields[:-1] if len(fields) < width else []
    return [*whole, *[b""] * (width - len(whole))]
