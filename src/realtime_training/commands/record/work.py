"""What exchanges say, into files."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loguru import logger
from msgspec.structs import replace

from exchanges.client import fetch_market_infos
from exchanges.sources import Source
from marketstream.errors import StateError
from marketstream.messages import DeadLetter, Gap, Stall, Trades
from marketstream.recordings import Header
from realtime_training.commands.record.files import FrameFiles, Received, finish_parts
from trades.apart import Apart, both
from trades.feed import Feed
from trades.session.market import MarketSession
from trades.session.rules import Rules

_WRITE_EVERY_S = 0.5
_SAY_EVERY_S = 10.0
_MOST_WAITING = 256 << 20  # bytes that may wait for a disk that is slow


class Recorder:
    """Writes what some sources say; sessions tell what of it is missing."""

    def __init__(
        self,
        sources: Sequence[Source],
        folder: Path,
        *,
        every_s: int,
        levels: int,
        context: bool = False,
    ) -> None:
        counted: dict[str, int] = {}
        self._lines = []
        for source in sources:
            number = counted[source.name] = counted.get(source.name, 0) + 1
            stem = source.name if number == 1 else f"{source.name}.{number}"
            self._lines.append(
                _Line(source, folder, stem, every_s * 10**9, levels, context=context)
            )
        self._folder = folder

    async def run_for(self, seconds: float | None) -> None:
        """Record so long, or until SIGINT, SIGTERM or the end of every source.

        Raises StateError where files cannot be written, NetworkError where an exchange that counts
        in contracts does not say what they are worth.
        """
        recording = asyncio.create_task(self.run())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, recording.cancel)
        if seconds is not None:
            loop.call_later(seconds, recording.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await recording

    async def run(self) -> None:
        """Record until cancelled, or until every source has ended; raises StateError."""
        await asyncio.to_thread(finish_parts, self._folder)
        try:
            async with asyncio.TaskGroup() as tasks:
                saying = tasks.create_task(self._say())
                # A group waits for all of them to finish their files, which gather does not.
                await asyncio.wait([tasks.create_task(line.run()) for line in self._lines])
                saying.cancel()
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures

    async def _say(self) -> None:
        while True:
            await asyncio.sleep(_SAY_EVERY_S)
            for line in self._lines:
                logger.info("Recording", **line.summary())

    def summary(self) -> list[dict[str, Any]]:
        """Return what was recorded, a row for each connection."""
        return [line.summary() for line in self._lines]


class _Line:
    """One connection and its files, and what is told of perpetuals beside it."""

    def __init__(
        self,
        source: Source,
        folder: Path,
        stem: str,
        every_ns: int,
        levels: int,
        *,
        context: bool,
    ) -> None:
        told = source.venue.context if context else None
        make = source.venue.stream if told is None else told.stream
        stream = make(source.symbols, source.name, levels=levels)
        header = Header(source.name, source.venue.name, source.symbols, time.time_ns())
        self._source = source
        rules = Rules(ids=source.venue.ids)
        self._sessions = {
            market: MarketSession(market, _nowhere, rules) for market in source.markets
        }
        self._files = FrameFiles(folder, stem, header, every_ns)
        self._feed = Feed(
            stream, self._sessions, ws_url=source.ws_url, publish_dead_letter=_not_kept,
            tap=self._take,
        )  # fmt: skip
        self._apart = Apart(
            source, None if told is None else self._sessions, publish_dead_letter=_not_kept,
            tap=self._take,
        )  # fmt: skip
        self._waiting: list[Received] = []
        self._waiting_bytes = 0

    def _take(self, frame: bytes, received_ns: int) -> None:
        self._waiting.append((received_ns, frame))
        self._waiting_bytes += len(frame)

    async def run(self) -> None:
        if self._source.venue.in_contracts:
            self._files.header = await _with_contract_sizes(self._files.header, self._source)
        following = asyncio.create_task(self._feed.run())
        beside = asyncio.create_task(self._follow_beside())
        try:
            while not following.done():
                await asyncio.wait([following], timeout=_WRITE_EVERY_S)
                await asyncio.to_thread(self._files.write, self._taken())
            following.result()
        finally:
            following.cancel()
            beside.cancel()
            await asyncio.gather(following, beside, return_exceptions=True)
            self._files.write(self._taken())
            self._files.finish()

    async def _follow_beside(self) -> None:
        async with self._source.client() as client:
            await self._apart.run(client)

    def _taken(self) -> list[Received]:
        if self._waiting_bytes > _MOST_WAITING:
            raise StateError(f"the disk is too slow: {self._waiting_bytes >> 20} MB wait for it")
        taken, self._waiting, self._waiting_bytes = self._waiting, [], 0
        return taken

    def summary(self) -> dict[str, Any]:
        counts = both(self._feed.counts, self._apart.counts)
        return {
            "exchange": self._source.name,
            "markets": len(self._sessions),
            "frames": counts.frames,
            "trades": counts.trades,
            "quotes": counts.quotes,
            "missing": counts.missing,
            "gaps": counts.gaps,
            "dead_letters": counts.dead_letters,
            "reconnects": counts.reconnects,
            "bytes": self._files.bytes,
            "files": self._files.finished,
        }


async def _with_contract_sizes(header: Header, source: Source) -> Header:
    """Return the header with what contracts are worth; NetworkError where nobody says it."""
    async with source.client() as client:
        infos = await fetch_market_infos(client, source.symbols)
    sizes = {symbol: str(info.contract_size) for symbol, info in infos.items()}
    return replace(header, contract_sizes=sizes)


def _nowhere(message: Trades | Gap | Stall, received_us: int) -> None:
    """Take what follows from frames, which is not recorded."""


def _not_kept(letter: DeadLetter) -> None:
    """Take a frame that makes no sense: it is recorded like others, and counted."""
