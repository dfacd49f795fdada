"""Files of one market each: read one after the other, and never two markets taken for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from marketstream.errors import InputError
from marketstream.readers.containers import opened, sources
from marketstream.readers.csv_tables import NoTable, UnknownForm
from marketstream.readers.grammar import Reading
from marketstream.readers.losses import Losses
from marketstream.readers.names import market_in_name
from marketstream.symbols import plain_symbol

type Advanced = Callable[[int], None]
type ReadStream[Part] = Callable[[IO[bytes], str], Iterator[Part]]


@dataclass
class FileParts[Part]:
    """What one file holds; `market` is what its name tells, where no column says whose rows it has.

    `number` is that of the path it is in or under.
    """

    number: int
    name: str
    market: str | None
    parts: list[Part]
    losses: Losses


def read_files[Part](
    paths: Sequence[Path],
    reading: Reading,
    read: ReadStream[Part],
    advanced: Advanced | None = None,
) -> list[FileParts[Part]]:
    """Return what the files, and the members of archives among them, hold of the wanted market.

    `advanced` is told how many bytes have been read since last time. Raises InputError, naming
    files and a remedy, where one cannot be read, or where there are several markets and none of
    them was chosen.
    """
    found: dict[tuple[int, int], FileParts[Part]] = {}
    without_form: dict[tuple[int, int], UnknownForm] = {}
    no_table: list[NoTable] = []

    def read_path(number: int, only: set[tuple[int, int]] | None) -> None:
        told = 0
        ignored = reading.ignored if only is None else reading.ignored.copy()
        with opened(paths[number]) as file:
            for place, source in enumerate(sources(paths[number], file, ignored)):
                key = number, place
                if only is not None and key not in only:
                    continue
                reading.begin_file()
                parts: list[Part] = []
                try:
                    for part in read(source.stream, source.name):
                        parts.append(part)
                        if advanced is not None and only is None:
                            advanced(file.tell() - told)
                            told = file.tell()
                except UnknownForm as error:
                    if only is not None:
                        raise
                    without_form[key] = error  # a file that comes later may have the header
                    continue
                except NoTable as error:
                    if source.alone:
                        raise
                    no_table.append(error)
                    ignored[f"{source.stem} in {paths[number].name}, which holds no data"] += 1
                    continue
                market = None if reading.has_symbols else market_in_name(source.stem)
                found[key] = FileParts(number, source.name, market, parts, reading.losses)

    for number in range(len(paths)):
        read_path(number, None)
    for number in sorted({number for number, _ in without_form}):
        read_path(number, set(without_form))
    if no_table and not any(each.parts for each in found.values()):
        raise no_table[0]
    shorter = _without_settlement(reading)
    if shorter is not None:
        reading.begin_anew(shorter)
        return read_files(paths, reading, read)
    return _of_one_market([found[key] for key in sorted(found)], paths, reading)


def _of_one_market[Part](
    files: list[FileParts[Part]], paths: Sequence[Path], reading: Reading
) -> list[FileParts[Part]]:
    there = {plain: name for plain, name in reading.symbols.items() if plain}
    named = {file.market: file.name for file in files if file.market is not None}
    listed = ", ".join(map(str, paths))
    if reading.wanted is None:
        if len(there) > 1:
            names = ", ".join(sorted(there.values()))
            raise InputError(f"{listed}: trades or candles of {names}: choose one with --symbol")
        if len(named) > 1:
            each = ", ".join(f"{name} of {market}" for market, name in sorted(named.items()))
            raise InputError(
                f"files of several markets by their names ({each}): choose one with --symbol"
            )
        return files
    wanted = plain_symbol(reading.wanted)
    if there and wanted not in there and not named:
        names = ", ".join(sorted(there.values()))
        raise InputError(f"{listed}: no trades of {reading.wanted} inside, but of {names}")
    if len(named) > 1 or there:
        base = plain_symbol(reading.wanted.partition("/")[0])
        files = [file for file in files if file.market in (None, wanted, base)]
        if not any(file.parts for file in files):
            names = ", ".join(sorted({*there.values(), *named}))
            raise InputError(f"{listed}: no trades of {reading.wanted} inside, but of {names}")
    return files


def _without_settlement(reading: Reading) -> str | None:
    """Return BTC/USDT for BTC/USDT:USDT, where only that is there: venues write perpetuals so."""
    if reading.wanted is None or plain_symbol(reading.wanted) in reading.symbols:
        return None
    shorter, colon, _ = reading.wanted.partition(":")
    return shorter if colon and plain_symbol(shorter) in reading.symbols else None


def nothing_in(paths: Sequence[Path], reading: Reading, kind: str) -> str:
    """Say what was found instead where nothing can be used."""
    left_out = reading.unusable + reading.ignored
    found = ", ".join(f"{count} x {reason}" for reason, count in left_out.most_common())
    names = ", ".join(map(str, paths)) or "no file given"
    return f"{names}: no usable {kind} inside ({found or 'nothing at all'})"
