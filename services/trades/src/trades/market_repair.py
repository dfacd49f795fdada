"""The repair of one market: catching up after a lost connection, and mending what is left."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from loguru import logger

from exchanges.client import RestClient
from marketstream.errors import NetworkError
from marketstream.messages import Gap, Trade
from marketstream.metrics import Metrics
from marketstream.symbols import split_market
from trades import batching
from trades.backoff import Backoff
from trades.gate import Gate
from trades.history import fetch_history, message_of, messages_of, only
from trades.intake import Publish
from trades.open_gap import OpenGap

type Pause = Callable[[], Awaitable[None]]
"""Waits until more can be published."""

_RECENT_TRADES = 1_000  # an aggregate of more fills than these is not cut
_LOOK_EVERY_S = 0.25
_MOST_FAILURES = 8  # in a row, over some two minutes, until a gap is given up
_NEVER_RECEIVED_NS = 0


class MarketRepair:
    """The repair of one market; `recent` holds its newest trades. See `Repair`."""

    def __init__(
        self,
        batcher: batching.TradesBatcher,
        gate: Gate,
        publish: Publish,
        declare: Callable[[Gap], None],
        metrics: Metrics,
        *,
        base_ms: int,
        hold_s: float,
        pause: Pause,
    ) -> None:
        self.recent: deque[Trade] = deque(maxlen=_RECENT_TRADES)
        self._batcher = batcher
        self._market = batcher.market
        self._symbol = split_market(batcher.market)[1]
        self._gate = gate
        self._publish = publish
        self._declare = declare
        self._repaired = metrics.trades_repaired.labels(batcher.market)
        self._unrepaired = metrics.gaps_unrepaired.labels(batcher.market)
        self._base_ms = base_ms
        self._hold_s = hold_s
        self._pause = pause
        self._gaps: deque[OpenGap] = deque()
        self._asking = asyncio.Lock()
        self._missed: batching.Gap | None = None  # since the connection was lost, as far as it goes
        self._later: list[batching.Gap] = []
        self._is_lost = asyncio.Event()
        self._catching_up = False
        self._next_id = 0  # after what was caught up with

    def follow_on(self, trade_id: int, time_us: int) -> None:
        """Take what is between a trade of the past and the first live one as a gap."""
        live = self._gate.first_trade(self._market)
        if live is None:
            self._batcher.skip_to(trade_id + 1, time_us)
            return
        live_id = live.id - live.count + 1
        gaps = self._batcher.take_gaps()
        for gap in gaps:  # the past may have filled them since
            left = range(min(max(gap.ids.start, trade_id + 1), gap.ids.stop), gap.ids.stop)
            self._batcher.repaired(len(gap.ids) - len(left))
            if left:
                self._open(gap._replace(ids=left))
        if live_id > trade_id + 1 and all(gap.ids.stop != live_id for gap in gaps):
            self._open(batching.Gap(range(trade_id + 1, live_id), time_us, live.time_us))

    def lost(self) -> None:
        """Hold live messages back from now on; what was missed before is not waited for."""
        if self._gate.holds(self._market) and not self._catching_up:
            return  # the past is being read
        if not self._hold_s or self._missed is not None:
            return
        self._missed = self._batcher.expected
        if self._missed is not None:
            if not self._catching_up:  # else it sees to them
                self._open(*self._batcher.take_gaps())
            self._hold()
            self._is_lost.set()

    def _hold(self) -> None:
        self._gate.close(self._market)
        self._catching_up = True

    async def catch_up(self, client: RestClient, answered: asyncio.Event) -> None:
        """After each loss publish what was missed, then what was held back."""
        while True:
            await self._is_lost.wait()
            self._hold()  # what was held back for the loss before may have passed since
            await answered.wait()
            self._is_lost.clear()
            missed, self._missed = self._missed, None
            try:
                async with asyncio.timeout(self._hold_s) as patience, self._asking:
                    await self._fetch_up_to_live(client, missed, patience)
            except (NetworkError, TimeoutError) as error:
                reason = str(error) or f"it takes longer than {self._hold_s:g} s"
                logger.warning("Live trades do not wait", market=self._market, reason=reason)
            self._catching_up = False
            self._let_go()

    def _let_go(self) -> None:
        """Pass on what was held back, up to where the connection was lost once more meanwhile."""
        if self._missed is None:
            self._gate.open(self._market)
        else:
            self._gate.pass_before(self._market, self._missed.ids.start)

    async def _fetch_up_to_live(
        self, client: RestClient, missed: batching.Gap | None, patience: asyncio.Timeout
    ) -> None:
        if missed is None:
            return
        first_id = self._next_id = max(self._next_id, missed.ids.start)
        lacking = 0
        pages = self._pages(
            client, missed.since_us, lambda: self._gate.first_trade_id(self._market)
        )
        try:
            async for page in pages:
                live_id = self._gate.first_trade_id(self._market)
                end_id = max(self._next_id, page[-1].id + 1)
                ids = range(self._next_id, end_id if live_id is None else min(live_id, end_id))
                trades = self._found(ids, page)
                lacking += len(ids) - sum(trade.count for trade in trades)
                for message in messages_of(self._market, trades, self._base_ms):
                    self._publish(message, _NEVER_RECEIVED_NS)
                self._next_id = max(self._next_id, ids.stop)
                if live_id is None:
                    self._batcher.skip_to(self._next_id, page[-1].time_us)
                if len(page) == client.venue.page_trades:  # after a long absence, much is to come
                    patience.reschedule(asyncio.get_running_loop().time() + self._hold_s)
                await self._pause()
        finally:  # what is left of it was jumped over, or will be
            self._declare_caught_up(range(first_id, self._next_id), missed.since_us, lacking)
            gaps, self._later = [*self._later, *self._batcher.take_gaps()], []
            for gap in gaps:
                if self._missed is not None and gap.ids.start >= self._missed.ids.start:
                    self._later.append(gap)  # lost once more: the next time sees to it
                    continue
                left = range(min(max(gap.ids.start, self._next_id), gap.ids.stop), gap.ids.stop)
                self._batcher.repaired(len(gap.ids) - len(left))
                if left:
                    self._open(gap._replace(ids=left))

    def _declare_caught_up(self, ids: range, since_us: int, lacking: int) -> None:
        if ids:
            live = self._gate.first_trade(self._market)
            until_us = None if live is None else live.time_us
            gap = OpenGap(Gap(self._market, ids.start, ids.stop, since_us, until_us))
            gap.lacking = lacking
            self._declare(gap.closed())

    async def mend(self, client: RestClient) -> None:
        """Fetch the trades of gaps, one after the other, and publish them."""
        backoff, failures = Backoff(first_s=1.0, longest_s=60.0), 0
        while True:
            if not self._gate.holds(self._market):  # else whoever closed it sees to them
                self._open(*self._batcher.take_gaps())
            if not self._gaps or self._gate.holds(self._market):
                await asyncio.sleep(_LOOK_EVERY_S)
                continue
            try:
                async with self._asking:
                    await self._fill(client, self._gaps[0])
            except NetworkError as error:
                failures += 1
                if failures < _MOST_FAILURES and client.venue.past != "none":
                    await asyncio.sleep(backoff.next_s())
                    continue
                gap = self._gaps.popleft()
                self._give_up(len(gap.left), str(error))
                self._declare(gap.closed(str(error)))
            failures = 0
            backoff.reset()

    def _open(self, *gaps: batching.Gap) -> None:
        """Declare gaps, and put them in the queue of those to mend."""
        for ids, since_us, until_us in gaps:
            gap = OpenGap(Gap(self._market, ids.start, ids.stop, since_us, until_us))
            self._declare(gap.declared)
            self._gaps.append(gap)

    async def _fill(self, client: RestClient, gap: OpenGap) -> None:
        """Publish what the oldest gap lacks; NetworkError where not all can be had by now."""
        if client.venue.past == "none":
            raise NetworkError(f"{client.venue.name} has no trades of the past to ask for")
        end_id = gap.declared.end_id
        async for page in self._pages(client, gap.since_us, lambda: end_id):
            ids = gap.advance(page[-1].id + 1, page[-1].time_us)
            trades = self._found(ids, page)
            count = sum(trade.count for trade in trades)
            gap.lacking += len(ids) - count
            if trades:
                # In one message: what can be said of candles changes once, not with each trade.
                self._publish(message_of(self._market, trades), _NEVER_RECEIVED_NS)
                self._batcher.repaired(count)
            await self._pause()
        if gap.left:
            raise NetworkError(
                f"trades are given up to {gap.left.start - 1} only, not {end_id - 1}"
            )
        self._gaps.popleft()
        self._declare(gap.closed())

    def _pages(
        self, client: RestClient, since_us: int, end_id: Callable[[], int | None]
    ) -> AsyncIterator[list[Trade]]:
        from_ms = since_us // 1_000
        return fetch_history(client, self._symbol, from_ms=from_ms, first_live_id=end_id)

    def _found(self, ids: range, page: Sequence[Trade]) -> list[Trade]:
        """Return and count the trades of these ids, all of which a page should have."""
        trades = only(ids, self.recent, page)
        count = sum(trade.count for trade in trades)
        self._repaired.inc(count)
        if count < len(ids):
            self._give_up(len(ids) - count, "the exchange has no such trades")
        return trades

    def _give_up(self, missing: int, reason: str) -> None:
        self._unrepaired.inc()
        logger.warning("Gap not repaired", market=self._market, missing=missing, reason=reason)
