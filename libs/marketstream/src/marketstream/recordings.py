"""Recorded WebSocket frames: one frame per line, perhaps after a local receive time.

Files that `realtime record` makes say in their first line whose frames they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from marketstream.errors import InputError
from marketstream.readers.containers import UNREADABLE, is_packed, opened, sources

_LINES_BETWEEN_NEWS = 5_000
_FIRST_PLAUSIBLE_NS = 10**18  # 2001-09-09; anything smaller is not a time in nanoseconds


_FRAME = (b"{", b"[", b"ping", b"pong")
_HEADER = b'{"recording":'


class Header(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whose frames a file holds: an exchange, the venue it speaks as, and which of its symbols.

    Where frames count in contracts, `contract_sizes` are those of the symbols in base units, such
    as `1/100`.
    """

    exchange: str
    venue: str
    symbols: tuple[str, ...]
    started_ns: int
    contract_sizes: dict[str, str] = {}


class _FirstLine(msgspec.Struct):
    recording: Header


class RecordedFrame(NamedTuple):
    """One line: receive time in ns of the recorder's clock (None where absent), and the frame."""

    received_ns: int | None
    frame: bytes


def header_line(header: Header) -> bytes:
    """Return the first line of a recording."""
    return msgspec.json.encode(_FirstLine(header)) + b"\n"


def header_of(path: Path) -> Header | None:
    """Return what the first line of a file says; None where it is not one of ours.

    Raises InputError where the file cannot be read.
    """
    with opened(path) as file:
        for source in sources(path, file, Counter()):
            try:
                return msgspec.json.decode(source.stream.readline(), type=_FirstLine).recording
            except (msgspec.DecodeError, UnicodeDecodeError):
                return None
    return None


def read_frames(
    paths: Sequence[Path], advanced: Callable[[int], None] | None = None
) -> Iterator[RecordedFrame]:
    """Yield the frames of several files, in the files' order; gzip and zip are unpacked on the way.

    A line that is no frame is yielded as it is: the parser decides what becomes a dead letter.
    `advanced` is told now and then how many bytes of the files have been read since last time.
    Raises InputError, naming the file, where one cannot be read.
    """
    for path in paths:
        yield from _read(path, advanced)


def _read(path: Path, advanced: Callable[[int], None] | None) -> Iterator[RecordedFrame]:
    told = 0
    try:
        with path.open("rb") as file:
            if path.suffix == ".gz" and not is_packed(file):
                raise InputError(f"{path}: cannot be read as a recording (it is not in gzip)")
            lines = (line for source in sources(path, file, Counter()) for line in source.stream)
            for number, line in enumerate(lines, 1):
                text = line.strip()
                if text and not text.startswith(_HEADER):
                    yield _split(text)
                if advanced is not None and number % _LINES_BETWEEN_NEWS == 0:
                    advanced(file.tell() - told)
                    told = file.tell()
            if advanced is not None:
                advanced(file.tell() - told)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except UNREADABLE as error:
        raise InputError(f"{path}: cannot be read as a recording ({error})") from error


def _split(line: bytes) -> RecordedFrame:
    head, _, rest = line.partition(b" ")
    if head.isdigit() and rest.startswith(_FRAME) and int(head) >= _FIRST_PLAUSIBLE_NS:
        return RecordedFrame(int(head), rest)
    return RecordedFrame(None, line)
