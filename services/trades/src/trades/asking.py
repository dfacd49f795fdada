"""What sessions want to know of the exchange is asked for by REST: one request a market."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from loguru import logger

from exchanges.client import RestClient, fetch_checked, fetch_newest_trade, fetch_server_time
from marketstream.errors import NetworkError, RefusedError
from marketstream.metrics import Metrics
from marketstream.symbols import split_market
from marketstream.together import together
from trades.session.ledger import Ledger
from trades.session.market import MarketSession
from trades.session.rules import Answer, Ask, Row

_LOOK_EVERY_S = 0.05
_MOST_AT_ONCE = 16  # of all markets: what waits for its turn is not asked yet, and no clock runs

type _Count = Callable[[], None]


class Asking:
    """Asks for what sessions want, as long as it runs; `now_us` is the clock of receive times."""

    def __init__(
        self,
        client: RestClient,
        sessions: Mapping[str, MarketSession],
        metrics: Metrics,
        *,
        now_us: Callable[[], int],
        pause: Callable[[], Awaitable[None]],
    ) -> None:
        self._client = client
        self._sessions = sessions
        self._metrics = metrics
        self._now_us = now_us
        self._pause = pause
        self._places = asyncio.Semaphore(_MOST_AT_ONCE)

    async def run(self) -> None:
        """Ask until cancelled."""
        await together([self._look()])

    async def _look(self) -> None:
        """Look at all markets at once, of which most want nothing, and ask for those that do."""
        idle = {
            market: (session, self._counter(market, session.ledger))
            for market, session in self._sessions.items()
        }

        async def serve(market: str, session: MarketSession, ask: Ask, count: _Count) -> None:
            await self._serve(market, session, ask, count)
            idle[market] = session, count

        async with asyncio.TaskGroup() as tasks:
            while True:
                now_us = self._now_us()
                for market, (session, count) in list(idle.items()):
                    count()
                    ask = session.ask(now_us)
                    if ask is not None:
                        del idle[market]
                        tasks.create_task(serve(market, session, ask, count))
                await asyncio.sleep(_LOOK_EVERY_S)

    async def _serve(
        self, market: str, session: MarketSession, ask: Ask | None, count: _Count
    ) -> None:
        """Ask for as long as a session wants anything."""
        symbol = split_market(market)[1]
        while ask is not None:
            try:
                async with self._places:
                    await self._ask(symbol, ask, session)
            except NetworkError as error:
                wait_s = error.retry_after_s if isinstance(error, RefusedError) else 0.0
                session.failed(ask, self._now_us(), wait_s)
                logger.warning("No answer", market=market, asked=ask.kind, reason=str(error))
            await self._pause()
            count()
            ask = session.ask(self._now_us())

    def _counter(self, market: str, ledger: Ledger) -> _Count:
        """Return what brings the metrics of a market's gaps up to date."""
        repaired = self._metrics.trades_repaired.labels(market)
        given_up = self._metrics.gaps_unrepaired.labels(market)
        counted = [0, 0]

        def count() -> None:
            if counted == [ledger.repaired, ledger.lost_gaps]:
                return
            repaired.inc(ledger.repaired - counted[0])
            given_up.inc(ledger.lost_gaps - counted[1])
            counted[:] = ledger.repaired, ledger.lost_gaps

        return count

    async def _ask(self, symbol: str, ask: Ask, session: MarketSession) -> None:
        client = self._client
        asked_us = self._now_us()
        if ask.kind == "time":
            time_us = await fetch_server_time(client) * 1_000
            took_us = self._now_us() - asked_us
            session.clock_is(time_us, asked_us + took_us // 2, within_us=took_us // 2)
            return
        now_ms = session.exchange_ms(self._now_us())
        if ask.kind == "newest":
            newest = await fetch_newest_trade(
                client, symbol, reference_price=session.price, now_ms=now_ms
            )
            rows = [] if newest is None else [Row(newest.page_id, newest.trade)]
            session.answered(ask, Answer(rows, asked_us), self._now_us())
            return
        checked = await fetch_checked(
            client, symbol, page_id=ask.page.page_id, from_ms=ask.page.from_ms,
            reference_price=session.price, now_ms=now_ms,
        )  # fmt: skip
        if checked.refused:
            logger.warning(
                "Rows of an answer are refused",
                market=session.market, rows=len(checked.refused), reason=checked.refused[0],
            )  # fmt: skip
        rows = [Row(row.page_id, row.trade) for row in checked.trades]
        is_full = checked.rows >= session.rules.page_trades
        answer = Answer(rows, asked_us, is_full, is_doubtful=bool(checked.refused))
        if not session.answered(ask, answer, self._now_us()):
            logger.warning(
                "Answer not believed: it lacks a trade that is known",
                market=session.market, asked=ask.kind, trade=ask.page.mark,
            )  # fmt: skip
