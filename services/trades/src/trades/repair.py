"""Trades that a stream left out are fetched from the exchange's REST API while it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from exchanges.sources import Source
from marketstream.messages import Gap, Trades
from marketstream.metrics import Metrics
from trades.batching import TradesBatcher
from trades.gate import Gate
from trades.intake import Publish
from trades.market_repair import MarketRepair, Pause

type Declare = Callable[[Gap], None]
"""Says which trades are missing, and what became of them."""


class Repair:
    """Stands between a feed and the gate of its markets: a feed's `publish`, and its `lost`.

    When the connection is lost, live messages are held back until what was missed is published
    before them: for `hold_s` after the exchange answers again and after each full page of missed
    trades (0: not at all). Gaps that are left, or that show within a connection, are fetched beside
    the live trades: whoever folds them revises. One request at a time is made for a market.
    Each gap is declared when it opens and when it is repaired or lost; what comes before the live
    trades again was never open.
    """

    def __init__(
        self,
        batchers: Mapping[str, TradesBatcher],
        gate: Gate,
        publish: Publish,
        declare: Declare,
        metrics: Metrics,
        *,
        base_ms: int,
        hold_s: float,
        pause: Pause = lambda: asyncio.sleep(0),
    ) -> None:
        self._markets = {
            market: MarketRepair(
                batcher, gate, publish, declare, metrics,
                base_ms=base_ms, hold_s=hold_s, pause=pause,
            )
            for market, batcher in batchers.items()
        }  # fmt: skip
        self._gate = gate

    def __call__(self, message: Trades, received_ns: int) -> None:
        """Take a live message."""
        if message.trades:
            self._markets[message.market].recent.extend(message.trades)
        self._gate(message, received_ns)

    def follow_on(self, market: str, trade_id: int, time_us: int) -> None:
        """Say, before the gate opens, which trade of the past the live ones should follow on."""
        self._markets[market].follow_on(trade_id, time_us)

    def lost(self) -> None:
        """Hold back what comes from now on, until what is missed by then is fetched."""
        for market in self._markets.values():
            market.lost()

    async def run(self, source: Source, answered: asyncio.Event) -> None:
        """Repair until cancelled; `answered` says whether the exchange answers by the stream.

        While a market is held back for its past to be read, its gaps wait.
        """
        try:
            async with source.client() as client, asyncio.TaskGroup() as tasks:
                for market in self._markets.values():
                    tasks.create_task(market.catch_up(client, answered))
                    tasks.create_task(market.mend(client))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures
