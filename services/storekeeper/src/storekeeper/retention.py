"""Deletes what is older than it is to be kept, so that the store stays as large as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from loguru import logger

from marketstream.errors import StateError
from marketstream.ports import Ports
from marketstream.store.forgetting import Forgettable
from marketstream.timeframes import duration_ms, timeframe_ms
from storekeeper.settings import RetentionSettings

_EVERY_S = 60.0
_PAUSE_S = 0.02  # between two stretches: others write
_MINUTE_MS = 60_000


class Retention:
    """Keeps rows for so long behind the newest candle of their market.

    A recording is as old as its own newest candle, and a market that nothing comes of any more
    stays. What a wrong clock dates ahead makes nothing older than now.
    """

    def __init__(self, settings: RetentionSettings, ports: Ports) -> None:
        self._settings = settings
        self._ports = ports
        for table in self._kept_ms("1s"):  # 0 is news too
            ports.metrics.store_rows_deleted.labels(table)

    async def run(self) -> None:
        """Delete what has become too old, once a minute, until cancelled."""
        while True:
            try:
                deleted = await self.forget()
            except StateError as error:
                logger.warning("Old rows are not deleted", reason=str(error))
            else:
                if deleted:
                    logger.debug("Old rows deleted", rows=dict(deleted))
            await asyncio.sleep(_EVERY_S)

    async def forget(self) -> Mapping[Forgettable, int]:
        """Delete all that is too old now; return how many rows of each table.

        StateError where the store cannot be used: what is left is deleted the next time.
        """
        store = await asyncio.to_thread(self._ports.store)
        deleted: dict[Forgettable, int] = {}
        for market in await asyncio.to_thread(store.markets):
            newest_ms = await asyncio.to_thread(store.newest_ms, market)
            if newest_ms is None:
                continue
            newest_ms = min(newest_ms, self._ports.clock() // 1_000_000)
            for timeframe in await asyncio.to_thread(store.timeframes, market):
                for table, kept_ms in self._kept_ms(timeframe).items():
                    series = (table, market, timeframe, newest_ms - kept_ms)
                    while count := await asyncio.to_thread(store.forget, *series):
                        deleted[table] = deleted.get(table, 0) + count
                        self._ports.metrics.store_rows_deleted.labels(table).inc(count)
                        await asyncio.sleep(_PAUSE_S)
        return deleted

    def _kept_ms(self, timeframe: str) -> dict[Forgettable, int]:
        """Return for how long each table is kept that is not kept for ever."""
        settings = self._settings
        is_fine = timeframe_ms(timeframe) < _MINUTE_MS
        kept: dict[Forgettable, str | None] = {
            "candles": settings.fine_candles if is_fine else settings.candles,
            "features": settings.features,
            "predictions": settings.predictions,
            "outcomes": settings.outcomes,
        }
        return {table: duration_ms(text) for table, text in kept.items() if text is not None}
