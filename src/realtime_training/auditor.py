"""The parity auditor: closed candles beside the exchange's own, again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from loguru import logger

from candles.parity import Parity
from marketstream.errors import NetworkError
from marketstream.store.port import Store
from marketstream.store.writer import StoreWriter
from marketstream.symbols import split_market
from marketstream.timeframes import timeframe_ms
from trades.exchanges.binance_rest import KLINE_INTERVALS
from trades.rest import RestClient, fetch_klines

_CANDLES_A_ROUND = 240  # few enough to read beside live trades
_SETTLED_MS = 5_000  # until the exchange's own candle and our revisions are final


class Auditor:
    """Compares what the store has of each market with the exchange's klines.

    Each round asks for some klines a market and timeframe (weight 2 of 6,000 a minute), from where
    the last round ended. A candle called complete that lacks trades is stored anew as
    incomplete, for who repairs it.
    """

    def __init__(
        self,
        store: Store,
        writer: StoreWriter,
        rest_url: str,
        markets: Sequence[str],
        timeframes: Sequence[str],
    ) -> None:
        self._store = store
        self._writer = writer
        self._rest_url = rest_url
        self._timeframes = [name for name in timeframes if name in KLINE_INTERVALS]
        self._audited_ms: dict[tuple[str, str], int] = {}
        self._parities = {market: Parity() for market in markets}

    @property
    def parities(self) -> Mapping[str, Parity]:
        """What was found so far, by market."""
        return self._parities

    async def run(self, every_s: float) -> None:
        """Audit what has closed, a round every so often, until cancelled."""
        async with RestClient(self._rest_url) as client:
            while True:
                await asyncio.sleep(every_s)
                await self.audit(client)

    async def audit(self, client: RestClient) -> None:
        """Audit one round; a market that cannot be asked for waits for the next one."""
        for market in self._parities:
            for timeframe in self._timeframes:
                try:
                    await self._audit(client, market, timeframe)
                except NetworkError as error:
                    logger.warning("No parity audit", market=market, reason=str(error))

    async def _audit(self, client: RestClient, market: str, timeframe: str) -> None:
        newest = await asyncio.to_thread(self._store.last_candles, market, timeframe, 1)
        if not newest:
            return
        length_ms = timeframe_ms(timeframe)
        first_ms = newest[0].open_time_ms - _CANDLES_A_ROUND * length_ms
        start_ms = self._audited_ms.get((market, timeframe), first_ms)
        end_ms = min(newest[0].close_time_ms - _SETTLED_MS, start_ms + _CANDLES_A_ROUND * length_ms)
        candles = await asyncio.to_thread(self._store.candles, market, timeframe, start_ms, end_ms)
        if not candles:  # a hole: look beyond it next time
            self._audited_ms[market, timeframe] = max(start_ms, end_ms)
            return
        symbol = split_market(market)[1]
        klines = await fetch_klines(client, symbol, timeframe, from_ms=candles[0].open_time_ms)
        parity = self._parities[market]
        for candle in parity.audit(candles, klines):
            logger.warning("Candle lacks trades", market=market, open_time_ms=candle.open_time_ms)
            self._writer.put(candle)
        self._audited_ms[market, timeframe] = candles[-1].open_time_ms + length_ms
