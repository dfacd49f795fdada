"""Trades from any file that holds them: told by its content, never by its name."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, cast

from marketstream.errors import InputError
from marketstream.readers.arrow_tables import FEATHER, PARQUET, read_arrow
from marketstream.readers.columns import Reading, plain_symbol
from marketstream.readers.csv_tables import UnknownForm, read_csv
from marketstream.readers.json_records import read_array, read_lines
from marketstream.readers.table import Part, TradeTable, assemble

__all__ = ["TradeTable", "read_trades"]

_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_HEAD_BYTES = 1 << 16


def read_trades(
    paths: Sequence[Path],
    *,
    symbol: str | None = None,
    advanced: Callable[[int], None] | None = None,
) -> TradeTable:
    """Read the trades of one market from files of any known form, in any order and split anywhere.

    The forms are recorded WebSocket frames, JSON arrays, CSV, Parquet and Feather, perhaps in .gz
    or .zip; see docs/candles.md. `symbol` chooses among several and may be left out where there is
    one. `advanced` is told how many bytes of the files have been read since last time.
    Raises InputError, naming the file and a remedy, where one cannot be read, where there is no
    trade of the symbol, or where there are several symbols and none was chosen.
    """
    reading = Reading(wanted=symbol)
    parts: dict[int, list[Part]] = {}
    headless: list[int] = []
    for index, path in enumerate(paths):
        try:
            parts[index] = _read(path, reading, advanced)
        except UnknownForm:
            headless.append(index)  # a file that comes later may have the header
    for index in headless:
        parts[index] = _read(paths[index], reading, None)
    _check_symbols(paths, reading)
    everything = [part for index in sorted(parts) for part in parts[index]]
    if not everything:
        raise InputError(_nothing_in(paths, reading))
    written = [name for name in reading.symbols.values() if name]
    return assemble(
        everything,
        symbol=symbol or (written[0] if written else None),
        unusable=reading.unusable,
        ignored=reading.ignored,
    )


def _read(path: Path, reading: Reading, advanced: Callable[[int], None] | None) -> list[Part]:
    told = 0
    parts: list[Part] = []
    try:
        with path.open("rb") as file:
            for source, stream in _streams(path, file):
                reading.has_ids = None
                for part in _parts(source, stream, reading):
                    parts.append(part)
                    if advanced is not None:
                        advanced(file.tell() - told)
                        told = file.tell()
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: cannot be read ({error}): if it was cut off, unpack what is whole of it"
        ) from error
    singles = [part for part in parts if not part.aggregated]
    if singles and len(singles) < len(parts):
        aggregates = sum(len(part.time_us) for part in parts if part.aggregated)
        reading.ignored["aggTrade frame beside trade frames"] += aggregates
        return singles
    return parts


def _streams(path: Path, file: IO[bytes]) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the files inside a file, each with a name for messages."""
    head = _peek(file)
    if head.startswith(_ZIP):
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                if not member.is_dir():
                    with archive.open(member) as stream:
                        yield f"{path} ({member.filename})", stream
    elif head.startswith(_GZIP):
        with gzip.open(file) as unpacked:
            yield str(path), cast("IO[bytes]", unpacked)
    else:
        yield str(path), file


def _parts(source: str, stream: IO[bytes], reading: Reading) -> Iterator[Part]:
    head = _peek(stream)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith((PARQUET, FEATHER)):
        return read_arrow(stream, source, reading)
    if text.startswith(b"[") and text[1:].lstrip().startswith((b"{", b"]")):
        return read_array(stream, source, reading)
    if b"{" in text:
        return read_lines(stream, source, reading)
    return read_csv(stream, source, reading)


def _peek(stream: IO[bytes]) -> bytes:
    """Return the first bytes of a stream without taking them from it."""
    head: bytes = stream.peek(_HEAD_BYTES)  # type: ignore[attr-defined] # all of ours have it
    return head


def _check_symbols(paths: Sequence[Path], reading: Reading) -> None:
    there = {plain: name for plain, name in reading.symbols.items() if plain}
    names = ", ".join(sorted(there.values()))
    if reading.wanted is None:
        if len(there) > 1:
            raise InputError(f"{_names(paths)}: trades of {names}: choose one with --symbol")
    elif there and plain_symbol(reading.wanted) not in there:
        raise InputError(f"{_names(paths)}: no trades of {reading.wanted} inside, but of {names}")


def _nothing_in(paths: Sequence[Path], reading: Reading) -> str:
    left_out = reading.unusable + reading.ignored
    found = ", ".join(f"{count} x {reason}" for reason, count in left_out.most_common())
    return (
        f"{_names(paths)}: no usable trade inside ({found or 'nothing at all'}): give recorded "
        "frames, a CSV, Parquet or Feather table, or a JSON array of trades"
    )


def _names(paths: Sequence[Path]) -> str:
    return ", ".join(map(str, paths)) or "no file given"
