"""Deletes what is older than it is to be kept, so that the store stays as large as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from loguru import logger

from marketstream.ports import Ports
from marketstream.store.forgetting import Forgettable
from marketstream.timeframes import duration_ms, timeframe_ms
from storekeeper.aging import PAUSE_S, all_series, every_minute
from storekeeper.settings import RetentionSettings

_MINUTE_MS = 60_000


class Retention:
    """Keeps rows for so long behind the newest candle of their market.

    A market that nothing comes of any more stays.
    """

    def __init__(self, settings: RetentionSettings, ports: Ports) -> None:
        self._settings = settings
        self._ports = ports
        for table in self._kept_ms("1s"):  # 0 is news too
            ports.metrics.store_rows_deleted.labels(table)

    async def run(self) -> None:
        """Delete what has become too old, once a minute, until cancelled."""
        await every_minute(self.forget, "Old rows are not deleted")

    async def forget(self) -> Mapping[Forgettable, int]:
        """Delete all that is too old now; return how many rows of each table.

        StateError where the store cannot be used: what is left is deleted the next time.
        """
        deleted: dict[Forgettable, int] = {}
        async for store, market, timeframe, newest_ms in all_series(self._ports):
            for table, kept_ms in self._kept_ms(timeframe).items():
                series = (table, market, timeframe, newest_ms - kept_ms)
                while count := await asyncio.to_thread(store.forget, *series):
                    deleted[table] = deleted.get(table, 0) + count
                    self._ports.metrics.store_rows_deleted.labels(table).inc(count)
                    await asyncio.sleep(PAUSE_S)
        if deleted:
            logger.debug("Old rows deleted", rows=deleted)
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
            "move_forecasts": settings.predictions,
            "move_outcomes": settings.outcomes,
            "score_sums": settings.outcomes,
        }
        return {table: duration_ms(text) for table, text in kept.items() if text is not None}
