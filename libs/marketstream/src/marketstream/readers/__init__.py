"""Trades and candles from any file that holds them: told by its content, never by its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np

from marketstream.errors import InputError
from marketstream.readers.columns import TRADES, read_part
from marketstream.readers.grammar import Reading
from marketstream.readers.json_records import read_lines
from marketstream.readers.markets import Advanced, FileParts, nothing_in, read_files
from marketstream.readers.opening import Kind, blocks_in, holds_frames, kind_of
from marketstream.readers.table import Part, TradeTable, assemble

__all__ = ["Kind", "TradeTable", "kind_of", "read_trades"]


def read_trades(
    paths: Sequence[Path], *, symbol: str | None = None, advanced: Advanced | None = None
) -> TradeTable:
    """Read the trades of one market from files of any known form, in any order and split anywhere.

    The forms are recorded WebSocket frames, JSON arrays, CSV, Parquet and Feather, perhaps in .gz
    or .zip; see docs/candles.md. `symbol` chooses among several and may be left out where there is
    one. `advanced` is told how many bytes of the files have been read since last time.
    Raises InputError, naming the file and a remedy, where one cannot be read, where there is no
    trade of the symbol, or where there are several symbols and none was chosen.
    """
    reading = Reading(wanted=symbol)

    def read(stream: IO[bytes], source: str) -> Iterator[Part]:
        if holds_frames(stream):
            for one in read_lines(stream, source, reading):
                yield replace(one, source=source)
            return
        for block in blocks_in(stream, source, reading, TRADES):
            part = read_part(block, reading)
            if part is not None:
                yield replace(part, source=source)

    files = read_files(paths, reading, read, advanced)
    parts = _without_aggregates_of_the_same(files, reading)
    if not parts:
        raise InputError(
            nothing_in(paths, reading, "trade") + ": give recorded frames, a CSV, Parquet or "
            "Feather table, or a JSON array of trades"
        )
    written = [name for name in reading.symbols.values() if name]
    table = assemble(
        parts,
        symbol=symbol or (written[0] if written else None),
        unusable=reading.unusable,
        ignored=reading.ignored,
    )
    spans = [file.losses.spans_us(table.time_us, table.ids) for file in files]
    passed = np.unique(np.array(reading.passed_ids, np.int64))
    return replace(table, passed_ids=passed, lost_us=np.concatenate([table.lost_us, *spans]))


def _without_aggregates_of_the_same(
    files: Sequence[FileParts[Part]], reading: Reading
) -> list[Part]:
    """Return the parts; where a path has trades and aggregates both, the trades."""
    kept: list[Part] = []
    for number in sorted({file.number for file in files}):
        parts = [part for file in files if file.number == number for part in file.parts]
        singles = [part for part in parts if not part.aggregated]
        if singles and len(singles) < len(parts):
            aggregates = sum(len(part.time_us) for part in parts if part.aggregated)
            reading.ignored["aggTrade frame beside trade frames"] += aggregates
            parts = singles
        kept += parts
    return kept
