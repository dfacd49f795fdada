"""What a file holds, told by its content, never by its name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal

from marketstream.readers.arrow_tables import ARROW, names_in_arrow, read_arrow
from marketstream.readers.candle_columns import CANDLES, holds_candles
from marketstream.readers.containers import HEAD_BYTES, opened, peek, sources
from marketstream.readers.csv_tables import first_cells, read_csv
from marketstream.readers.grammar import Block, Grammar, Reading
from marketstream.readers.json_records import read_array

type Kind = Literal["frames", "candles", "trades"]

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LINES_LOOKED_AT = 20
_FIELD = re.compile(rb'"(\w+)"\s*:')


def kind_of(path: Path) -> Kind:
    """Say whether a file holds recorded frames, candles or, as far as can be told, trades.

    Of an archive the first member with data says it. Raises InputError where it cannot be read.
    """
    with opened(path) as file:
        for source in sources(path, file, Counter()):
            kind = _kind(source.stream, source.name)
            if kind is not None:
                return kind
    return "trades"


def _kind(stream: IO[bytes], name: str) -> Kind | None:
    if peek(stream).startswith(ARROW):
        return "candles" if holds_candles(names_in_arrow(stream, name)) else "trades"
    text = _text(stream.read(HEAD_BYTES))
    if _is_array(text):
        if b"{" not in text:
            first_row = re.sub(rb"[\[\s]+", b"", text.partition(b"]")[0])
            return "candles" if _are_candles(first_row) else "trades"
        names = _FIELD.findall(text.partition(b"}")[0])
        return "candles" if holds_candles([each.decode() for each in names]) else "trades"
    if b"{" in text:
        return "frames"
    lines = [line for line in text.splitlines() if line.strip()][:_LINES_LOOKED_AT]
    if not lines:
        return None
    return "candles" if any(map(_are_candles, lines)) else "trades"


def _are_candles(line: bytes) -> bool:
    cells = first_cells(line)
    names = [cell.decode("utf-8", "replace") for cell in cells]
    return holds_candles(names) or CANDLES.without_header(cells, "") is not None


def holds_frames(stream: IO[bytes]) -> bool:
    """Say whether a stream of text holds JSON objects, one to a line."""
    head = peek(stream)
    text = _text(head)
    return not head.startswith(ARROW) and b"{" in text and not _is_array(text)


def blocks_in(
    stream: IO[bytes], source: str, reading: Reading, grammar: Grammar
) -> Iterator[Block]:
    """Yield the rows of a table, block by block; raises InputError where it is none."""
    head = peek(stream)
    if head.startswith(ARROW):
        return read_arrow(stream, source, grammar)
    if _is_array(_text(head)):
        return read_array(stream, source, reading, grammar)
    return read_csv(stream, source, reading, grammar)


def _is_array(text: bytes) -> bool:
    """Say whether text is a JSON array of objects or arrays; frames of arrays stand one a line."""
    return text.startswith(b"[") and text[1:].lstrip()[:1] in (b"{", b"[", b"]")


def _text(head: bytes) -> bytes:
    return head.removeprefix(_BYTE_ORDER_MARK).lstrip()
