"""Trades that were given up are asked for again: an exchange may have them later."""

from __future__ import annotations

import asyncio

from loguru import logger
from msgspec.structs import replace

from exchanges.client import RestClient, fetch_checked, page_after
from exchanges.sources import Source
from marketstream.errors import NetworkError, StateError
from marketstream.messages import Gap
from marketstream.ports import Ports
from marketstream.symbols import split_market
from marketstream.topics import GAPS

REACH_MS = 86_400_000  # how far back is looked at a start

_FIRST_WAIT_S, _LONGER = 60.0, 4.0
_MOST_TRIES = 7  # until some three months have passed
_MOST = 256  # gaps, the newest
_MOST_PAGES = 50
_LOOK_EVERY_S = 1.0
_NEAR_US = 1_000_000  # trades may be told out of the order of their times

type Key = tuple[str, int, int, int]


class LostGaps:
    """The lost gaps of a source's markets; each is asked for ever more seldom.

    One whose trades the exchange has by now is said to be `repaired`: its candles are mended then,
    as those of any other.
    """

    def __init__(self, source: Source, ports: Ports) -> None:
        self._source = source
        self._ports = ports
        self._gaps: dict[Key, Gap] = {}
        self._due: dict[Key, tuple[float, int]] = {}
        ports.listen([GAPS], self._hear)

    async def run(self) -> None:
        """Ask until cancelled."""
        async with self._source.client(patience_s=10.0) as client:
            recalled = False
            while True:
                try:
                    if not recalled:
                        await self.recall()
                        recalled = True
                    await self.look(client)
                except StateError as error:
                    logger.warning("Cannot look for lost gaps", reason=str(error))
                await asyncio.sleep(_LOOK_EVERY_S)

    async def recall(self) -> None:
        """Note the lost gaps of the last day; StateError where none can be read."""
        now_ms = self._ports.clock() // 1_000_000
        store = await asyncio.to_thread(self._ports.store)
        for market in self._source.markets:
            from_ms = max(0, now_ms - REACH_MS)
            for gap in await asyncio.to_thread(store.gaps, market, from_ms, now_ms):
                self._hear(gap)

    async def look(self, client: RestClient) -> None:
        """Ask for the gaps that are due."""
        for key, (due_s, tries) in list(self._due.items()):
            gap = self._gaps.get(key)
            if gap is None or due_s > self._now_s():
                continue
            try:
                is_there = await self._is_there(client, gap)
            except NetworkError as error:
                is_there = False
                logger.debug("A lost gap cannot be asked for", reason=str(error))
            if is_there:
                self._forget(key)
                self._ports.publish(replace(gap, state="repaired", reason=None))
                logger.info("What was lost is there", market=gap.market, trades=_ids_of(gap))
            elif tries + 1 < _MOST_TRIES:
                self._due[key] = self._now_s() + _FIRST_WAIT_S * _LONGER ** (tries + 1), tries + 1
            else:
                self._forget(key)

    def _hear(self, gap: Gap, received_ns: int = 0) -> None:
        del received_ns
        key = gap.identity
        if gap.market not in self._source.markets:
            return
        if gap.state != "lost" or not _ids_of(gap):
            self._forget(key)
            return
        if key not in self._gaps:
            self._due[key] = self._now_s() + _FIRST_WAIT_S, 0
        self._gaps[key] = gap
        if len(self._gaps) > _MOST:
            self._forget(next(iter(self._gaps)))

    def _forget(self, key: Key) -> None:
        self._gaps.pop(key, None)
        self._due.pop(key, None)

    async def _is_there(self, client: RestClient, gap: Gap) -> bool:
        """Say whether the exchange has all trades of a gap, at times that fit.

        Ids that began again are those of other trades, at other times.
        """
        symbol = split_market(gap.market)[1]
        page_id, from_ms = None, gap.since_us // 1_000
        until_us = (gap.until_us or self._ports.clock() // 1_000) + _NEAR_US
        had: set[int] = set()
        for _ in range(_MOST_PAGES):
            page = await fetch_checked(client, symbol, page_id=page_id, from_ms=from_ms)
            for row in page.trades:
                if row.trade.time_us > until_us:
                    continue
                ids = range(row.trade.id - row.trade.count + 1, row.trade.id + 1)
                had.update(range(max(ids.start, gap.first_id), min(ids.stop, gap.end_id)))
            following = page_after(client.venue, page, from_ms)
            if not page.trades or page.trades[-1].trade.id >= gap.end_id or following is None:
                break
            page_id, from_ms = following
        return len(had) == _ids_of(gap)

    def _now_s(self) -> float:
        return self._ports.clock() / 1e9


def _ids_of(gap: Gap) -> int:
    return gap.end_id - gap.first_id
