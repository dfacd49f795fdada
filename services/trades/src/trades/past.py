"""What is missing before the live trades is published before them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from loguru import logger

from exchanges.client import RestClient, fetch_server_time
from exchanges.sources import Source
from marketstream.errors import NetworkError
from marketstream.messages import Gap, Trade
from marketstream.symbols import split_market
from trades.gate import Gate
from trades.history import fetch_history, holes, messages_of, only
from trades.intake import Publish
from trades.repair import Declare, Repair

_NEVER_RECEIVED_NS = 0
_NOT_IN_THE_PAST = "not in what was read of the past"


class Known(NamedTuple):
    """Up to where the trades of a market are known: id and time of the last, and the newest ones.

    The id is None where nothing traded so far; then all from `time_us` on is missing.
    """

    last_id: int | None
    time_us: int
    newest: Sequence[Trade] = ()


class Past:
    """Reads the past of a source's markets, from what is known on, and lets live trades join.

    Where nothing is known it begins `minutes` ago, on a boundary of `base_ms`. `read` says how far
    each market is, 0 to 1.
    """

    def __init__(
        self,
        source: Source,
        gate: Gate,
        repair: Repair,
        publish: Publish,
        declare: Declare,
        *,
        base_ms: int,
        minutes: int,
        pause: Callable[[], Awaitable[None]],
    ) -> None:
        self.read = dict.fromkeys(source.markets, 0.0)
        self._source = source
        self._gate = gate
        self._repair = repair
        self._publish = publish
        self._declare = declare
        self._base_ms = base_ms
        self._minutes = minutes
        self._pause = pause

    async def fill(self, known: Mapping[str, Known]) -> None:
        """Publish what is missing of all markets and open the gate; to be called once subscribed.

        Where the exchange does not give it, the live trades begin without.
        """
        async with self._source.client() as client:
            try:
                now_ms = await fetch_server_time(client)
            except NetworkError as error:
                logger.warning("No history", exchange=self._source.name, reason=str(error))
                for market in self._source.markets:
                    self._join(market, known.get(market))
                return
            await asyncio.gather(
                *(
                    self._fill(client, market, known.get(market), now_ms)
                    for market in self._source.markets
                )
            )

    async def _fill(
        self, client: RestClient, market: str, known: Known | None, now_ms: int
    ) -> None:
        resumed, count = known is not None, 0
        from_ms = self._from_ms(known, now_ms)
        first_id = _after(known)
        newest = () if known is None else known.newest
        try:
            async for page in fetch_history(
                client,
                split_market(market)[1],
                from_ms=from_ms,
                first_live_id=lambda: self._gate.first_trade_id(market),
            ):
                live_id = self._gate.first_trade_id(market)
                missing = range(first_id, sys.maxsize if live_id is None else live_id)
                trades = only(missing, chain(newest, self._gate.trades(market)), page)
                self._declare_holes(market, known, trades)
                for message in messages_of(market, trades, self._base_ms):
                    self._publish(message, _NEVER_RECEIVED_NS)
                count += len(trades)
                if trades:
                    known = Known(trades[-1].id, trades[-1].time_us)
                    if live_id is None and len(page) < client.venue.page_trades:
                        # The present is reached: a live trade may be one of these from now on.
                        self._repair.follow_on(market, trades[-1].id, trades[-1].time_us)
                passed_ms = page[-1].time_us // 1_000 - from_ms
                self.read[market] = max(0.0, min(1.0, passed_ms / max(1, now_ms - from_ms)))
                await self._pause()
        except NetworkError as error:
            logger.warning("Not all of the past", market=market, reason=str(error))
        self._join(market, known)
        logger.info("Past published", market=market, trades=count, resumed=resumed)

    def _declare_holes(self, market: str, known: Known | None, trades: Sequence[Trade]) -> None:
        if known is None or known.last_id is None or self._source.venue.ids != "contiguous":
            return
        for ids, since_us, until_us in holes(trades, known.last_id + 1, known.time_us):
            self._declare(
                Gap(market, ids.start, ids.stop, since_us, until_us, "lost", _NOT_IN_THE_PAST)
            )

    def _from_ms(self, known: Known | None, now_ms: int) -> int:
        from_ms = now_ms - self._minutes * 60_000
        from_ms = -(-from_ms // self._base_ms) * self._base_ms
        if known is None:
            return from_ms
        # The last known trade is asked for again: others may share its millisecond.
        known_ms = -(-known.time_us // 1_000) if known.last_id is None else known.time_us // 1_000
        return max(from_ms, known_ms)

    def _join(self, market: str, known: Known | None) -> None:
        """Let live trades pass; what is missing before the first of them is a gap to repair."""
        self.read[market] = 1.0
        if known is not None and known.last_id is not None:
            self._repair.follow_on(market, known.last_id, known.time_us)
        self._gate.open(market)


def _after(known: Known | None) -> int:
    return 0 if known is None or known.last_id is None else known.last_id + 1
