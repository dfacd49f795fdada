"""Trades of the past as files, one a day (UTC): begun, gone on with, finished."""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from marketstream.errors import StateError
from marketstream.messages import Trade
from marketstream.symbols import split_market, url_symbol

COLUMNS = ("first_trade_id", "last_trade_id", "price", "quantity", "side", "time_us")

_DAY_US = 86_400_000_000


class Last(NamedTuple):
    """The last trade of a file that was begun."""

    id: int
    time_us: int


class DayFile:
    """The trades of one day of a market: `…-20240808.csv.gz` once all of them are there.

    Until then it ends in `.part`, is plain text, and is gone on with. Raises StateError where it
    cannot be written.
    """

    def __init__(self, folder: Path, market: str, day: date) -> None:
        exchange, symbol = split_market(market)
        self.day = day
        self.path = folder / f"{exchange}-{url_symbol(symbol)}-trades-{day:%Y%m%d}.csv.gz"
        self.from_us = round(datetime.combine(day, datetime.min.time(), UTC).timestamp()) * 10**6
        self.until_us = self.from_us + _DAY_US
        self._part = self.path.with_suffix(".part")

    @property
    def is_finished(self) -> bool:
        """Whether all trades of the day are there."""
        return self.path.exists()

    def begun(self) -> Last | None:
        """Return the last trade that is there, None where none is; half a line is cut off."""
        if not self._part.exists():
            self._append([COLUMNS])
            return None
        text = self._part.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        if len(whole) < len(text):
            os.truncate(self._part, len(whole))
        row = whole.splitlines()[-1].split(b",")
        return None if row[0] == COLUMNS[0].encode() else Last(int(row[1]), int(row[5]))

    def add(self, trades: Iterable[Trade]) -> None:
        """Add trades, in the order of their ids."""
        self._append(
            (trade.id - trade.count + 1, trade.id, trade.price, trade.quantity, trade.taker,
             trade.time_us)
            for trade in trades
        )  # fmt: skip

    def finish(self) -> None:
        """Pack the file under its name: no name and no time inside, so that its sum tells it."""
        packed = self._part.with_suffix(".packed")
        try:
            with (
                self._part.open("rb") as plain,
                packed.open("wb") as raw,
                gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file,
            ):
                while block := plain.read(1 << 20):
                    file.write(block)
            packed.rename(self.path)
            self._part.unlink()
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def _append(self, rows: Iterable[Iterable[object]]) -> None:
        try:
            with self._part.open("a", newline="", encoding="ascii") as file:
                csv.writer(file, lineterminator="\n").writerows(rows)
        except OSError as error:
            raise _cannot_write(self._part, error) from error


def days_between(first: date, end: date) -> Iterator[date]:
    """Yield the days from one to another, exclusive."""
    while first < end:
        yield first
        first += timedelta(days=1)


def _cannot_write(path: Path, error: OSError) -> StateError:
    return StateError(f"{path}: cannot be written ({error.strerror}): choose another --to-folder")
