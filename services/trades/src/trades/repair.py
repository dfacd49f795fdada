"""Trades that a stream left out are fetched from the exchange's REST API while it goes on."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from loguru import logger

from exchanges.binance.rest import MOST_TRADES
from exchanges.client import RestClient
from marketstream.errors import NetworkError
from marketstream.messages import Trade, Trades
from marketstream.metrics import Metrics
from marketstream.symbols import split_market
from trades.backoff import Backoff
from trades.batching import Gap, TradesBatcher
from trades.gate import Gate
from trades.history import fetch_history, message_of, messages_of, only
from trades.intake import Publish

type Pause = Callable[[], Awaitable[None]]
"""Waits until more can be published."""

_RECENT_TRADES = 1_000  # an aggregate of more fills than these is not cut
_LOOK_EVERY_S = 0.25
_MOST_FAILURES = 8  # in a row, over some two minutes, until a gap is given up
_NEVER_RECEIVED_NS = 0


class Repair:
    """Stands between a feed and the gate of its markets: a feed's `publish`, and its `lost`.

    When the connection is lost, live messages are held back until what was missed is published
    before them: for `hold_s` after the exchange answers again and after each full page of missed
    trades (0: not at all). Gaps that are left, or that show within a connection, are fetched beside
    the live trades: whoever folds them revises. One request at a time is made for a market.
    """

    def __init__(
        self,
        batchers: Mapping[str, TradesBatcher],
        gate: Gate,
        publish: Publish,
        metrics: Metrics,
        *,
        base_ms: int,
        hold_s: float,
        pause: Pause = lambda: asyncio.sleep(0),
    ) -> None:
        self._markets = {
            market: _MarketRepair(batcher, gate, publish, metrics, base_ms, hold_s, pause)
            for market, batcher in batchers.items()
        }
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

    async def run(self, rest_url: str, answered: asyncio.Event) -> None:
        """Repair until cancelled; `answered` says whether the exchange answers by the stream.

        While a market is held back for its past to be read, its gaps wait.
        """
        try:
            async with RestClient(rest_url) as client, asyncio.TaskGroup() as tasks:
                for market in self._markets.values():
                    tasks.create_task(market.catch_up(client, answered))
                    tasks.create_task(market.mend(client))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures


class _MarketRepair:
    """The repair of one market; `recent` holds its newest trades."""

    def __init__(
        self,
        batcher: TradesBatcher,
        gate: Gate,
        publish: Publish,
        metrics: Metrics,
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
        self._repaired = metrics.trades_repaired.labels(batcher.market)
        self._unrepaired = metrics.gaps_unrepaired.labels(batcher.market)
        self._base_ms = base_ms
        self._hold_s = hold_s
        self._pause = pause
        self._gaps: deque[Gap] = deque()
        self._asking = asyncio.Lock()
        self._missed: Gap | None = None  # since the connection was lost, as far as it may reach
        self._is_lost = asyncio.Event()
        self._catching_up = False
        self._next_id = 0  # after what was caught up with

    def follow_on(self, trade_id: int, time_us: int) -> None:
        """Take what is between a trade of the past and the first live one as a gap."""
        live_id = self._gate.first_trade_id(self._market)
        if live_id is None:
            self._batcher.skip_to(trade_id + 1, time_us)
        elif live_id > trade_id + 1:
            self._gaps.append(Gap(range(trade_id + 1, live_id), time_us))

    def lost(self) -> None:
        """Hold live messages back from now on; what was missed before is not waited for."""
        if self._gate.holds(self._market) and not self._catching_up:
            return  # the past is being read
        if not self._hold_s or self._missed is not None:
            return
        self._missed = self._batcher.expected
        if self._missed is not None:
            if not self._catching_up:  # else it sees to them
                self._gaps += self._batcher.take_gaps()
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
            self._gate.open(self._market)

    async def _fetch_up_to_live(
        self, client: RestClient, missed: Gap | None, patience: asyncio.Timeout
    ) -> None:
        if missed is None:
            return
        self._next_id = max(self._next_id, missed.ids.start)
        pages = self._pages(client, missed, lambda: self._gate.first_trade_id(self._market))
        try:
            async for page in pages:
                live_id = self._gate.first_trade_id(self._market)
                end_id = max(self._next_id, page[-1].id + 1)
                ids = range(self._next_id, end_id if live_id is None else min(live_id, end_id))
                for message in messages_of(self._market, self._found(ids, page), self._base_ms):
                    self._publish(message, _NEVER_RECEIVED_NS)
                self._next_id = max(self._next_id, ids.stop)
                if live_id is None:
                    self._batcher.skip_to(self._next_id, page[-1].time_us)
                if len(page) == MOST_TRADES:  # after a long absence there is a lot to come
                    patience.reschedule(asyncio.get_running_loop().time() + self._hold_s)
                await self._pause()
        finally:  # what is left of it was jumped over, or will be
            for gap in self._batcher.take_gaps():
                left = rest_of(gap, self._next_id, gap.since_us)
                self._batcher.repaired(len(gap.ids) - len(left.ids))
                if left.ids:
                    self._gaps.append(left)

    async def mend(self, client: RestClient) -> None:
        """Fetch the trades of gaps, one after the other, and publish them."""
        backoff, failures = Backoff(first_s=1.0, longest_s=60.0), 0
        while True:
            if not self._gate.holds(self._market):  # else whoever closed it sees to them
                self._gaps += self._batcher.take_gaps()
            if not self._gaps or self._gate.holds(self._market):
                await asyncio.sleep(_LOOK_EVERY_S)
                continue
            try:
                async with self._asking:
                    await self._fill(client)
            except NetworkError as error:
                failures += 1
                if failures < _MOST_FAILURES:
                    await asyncio.sleep(backoff.next_s())
                    continue
                self._give_up(len(self._gaps.popleft().ids), str(error))
            failures = 0
            backoff.reset()

    async def _fill(self, client: RestClient) -> None:
        """Publish what the oldest gap lacks; NetworkError where not all can be had by now."""
        gap = self._gaps[0]
        end_id = gap.ids.stop
        async for page in self._pages(client, gap, lambda: end_id):
            left = rest_of(gap, page[-1].id + 1, page[-1].time_us)
            trades = self._found(range(gap.ids.start, left.ids.start), page)
            if trades:
                # In one message: what can be said of candles changes once, not with each trade.
                self._publish(message_of(self._market, trades), _NEVER_RECEIVED_NS)
                self._batcher.repaired(sum(trade.count for trade in trades))
            gap = self._gaps[0] = left
            await self._pause()
        if gap.ids:
            raise NetworkError(f"trades are given up to {gap.ids.start - 1} only, not {end_id - 1}")
        self._gaps.popleft()

    def _pages(
        self, client: RestClient, gap: Gap, end_id: Callable[[], int | None]
    ) -> AsyncIterator[list[Trade]]:
        from_ms = gap.since_us // 1_000
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


def rest_of(gap: Gap, next_id: int, since_us: int) -> Gap:
    """Return what is left of a gap where all before an id is known; its ids may be none."""
    start = min(max(gap.ids.start, next_id), gap.ids.stop)
    return Gap(range(start, gap.ids.stop), since_us)
