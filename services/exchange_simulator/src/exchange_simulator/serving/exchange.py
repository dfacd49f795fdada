"""What a venue's server has to show: markets up to their present, as the faults have it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from exchange_simulator.faults.rest import RestFaults
from exchange_simulator.market.history import hours, latest_trades
from exchange_simulator.market.tape import TradeColumns
from exchange_simulator.serving.klines import INTERVALS_US, Kline, end_of, fold, joined, open_of
from exchange_simulator.serving.markets import Market


class Exchange:
    """The markets by wire symbol; `now_us` is how far they have been seen.

    Nothing at or after `now_us` is ever shown. Klines begin at the market's `klines_since_us`, as
    if it had been listed then.
    """

    def __init__(
        self,
        markets: Mapping[str, Market],
        now_us: Callable[[], int],
        faults: RestFaults | None = None,
    ) -> None:
        self.markets = markets
        self.now_us = now_us
        self._faults = faults

    def clock_us(self) -> int:
        """Return what the exchange says that time it is."""
        return self.now_us() + (0 if self._faults is None else self._faults.skew_us())

    def page(
        self, market: Market, trades: TradeColumns, end_us: int
    ) -> tuple[Market, TradeColumns]:
        """Return whose trades a page of past trades shows, and which."""
        if self._faults is None:
            return market, trades
        return self._faults.page(market, trades, end_us)

    async def first_klines(
        self, market: Market, interval: str, from_us: int, before_us: int, limit: int
    ) -> list[Kline]:
        """Return the first klines that open in a half-open range of time."""
        from_us = max(from_us, open_of(market.klines_since_us, interval))
        reach_us = limit * INTERVALS_US[interval]
        to_us = min(before_us, end_of(open_of(from_us, interval), interval) + reach_us)
        return (await self._folded(market, interval, from_us, to_us))[:limit]

    async def last_klines(
        self, market: Market, interval: str, before_us: int, limit: int
    ) -> list[Kline]:
        """Return the last klines that open before a time."""
        reach_us = limit * INTERVALS_US[interval]
        from_us = max(before_us - reach_us, open_of(market.klines_since_us, interval))
        return (await self._folded(market, interval, from_us, before_us))[-limit:]

    async def _folded(self, market: Market, interval: str, from_us: int, to_us: int) -> list[Kline]:
        """Return the klines that open in `[from_us, to_us)`, from trades seen so far only."""
        if from_us >= to_us:
            return []
        since_us, now_us = market.klines_since_us, self.now_us()
        last_end_us = end_of(open_of(to_us - 1, interval), interval)
        parts: list[Kline] = []
        for start_us, end_us in hours(max(from_us, since_us), min(last_end_us, now_us)):
            parts += fold(market.tape.trades(start_us, end_us), interval)
            await asyncio.sleep(0)  # the streams go on between two hours
        before = latest_trades(market.tape, 1, from_us, since_us).price
        return joined(parts, int(before[-1]) if len(before) else None, from_us, to_us, interval)
