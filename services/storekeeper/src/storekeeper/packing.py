"""Packs what is older than it is to stay in rows, so that a day takes an eighth of the room."""

from __future__ import annotations

import asyncio

from loguru import logger

from marketstream.plan import Plan
from marketstream.ports import Ports
from marketstream.timeframes import duration_ms
from storekeeper.aging import PAUSE_S, all_series, every_minute
from storekeeper.settings import RetentionSettings


class Packing:
    """Packs what is old enough: outcomes are known, and nobody is near."""

    def __init__(self, settings: RetentionSettings, plan: Plan, ports: Ports) -> None:
        self._ports = ports
        self._longest_ms = max(plan.horizons_ms) + plan.latency_ms
        self._unpacked = settings.unpacked

    async def run(self) -> None:
        """Pack what has become old enough, once a minute, until cancelled."""
        await every_minute(self.pack, "Old rows are not packed")

    async def pack(self) -> int:
        """Pack all that is old enough now, oldest first; return how many rows that were."""
        if self._unpacked is None:
            return 0
        behind_ms = duration_ms(self._unpacked) + self._longest_ms
        packed = 0
        async for store, market, timeframe, newest_ms in all_series(self._ports):
            stretch = (market, timeframe, newest_ms - behind_ms)
            while count := await asyncio.to_thread(store.pack, *stretch):
                packed += count
                await asyncio.sleep(PAUSE_S)
        if packed:
            logger.debug("Old rows packed", rows=packed)
        return packed
