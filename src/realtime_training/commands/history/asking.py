"""Trades of the past by REST, page by page, from one time to another."""

from __future__ import annotations

from collections.abc import AsyncIterator

from loguru import logger

from exchanges.checked import Checked
from exchanges.client import RestClient, fetch_checked, fetch_newest_trade
from marketstream.errors import InputError, NetworkError
from marketstream.messages import Trade

SLACK_US = 1_000_000

_TIMES = 3  # that a page is asked for whose rows make no sense


async def pages(
    client: RestClient, symbol: str, from_us: int, until_us: int, after_id: int = -1
) -> AsyncIterator[list[Trade]]:
    """Yield the trades from a time on whose ids come after one, a little beyond `until_us`.

    Trades are in the order of their ids, and their times may differ from it by `SLACK_US`. Pages go
    on by the exchange's own page ids, or by time where it has only that. Raises InputError where
    the exchange has no past, NetworkError where it cannot be had.
    """
    venue = client.venue
    if venue.past == "none":
        raise InputError(f"{venue.name} gives no trades of the past: record them, or use archives")
    if venue.past_trades is not None:
        raise InputError(
            f"{venue.name} gives its newest {venue.past_trades:,} trades and no more: record them, "
            "or use archives"
        )
    page_id, from_ms = None, from_us // 1_000
    while True:
        page = await _page(client, symbol, page_id, from_ms)
        trades = [row.trade for row in page.trades]
        fresh = [trade for trade in trades if trade.id > after_id]
        if fresh:
            yield fresh
            after_id = fresh[-1].id
        if trades and trades[-1].time_us >= until_us + SLACK_US:
            return
        if page.rows < venue.page_trades or not trades:
            newest = await fetch_newest_trade(client, symbol)
            if newest is None or newest.trade.id <= after_id:
                return
            if not fresh:
                raise NetworkError(
                    f"{symbol}: asked for trades after {after_id}, {venue.name} has none, and says "
                    f"that {newest.trade.id} is the newest: try again later"
                )
        if venue.past == "by_id":
            page_id = page.trades[-1].page_id + 1
            continue
        newest_ms = trades[-1].time_us // 1_000
        if newest_ms <= from_ms and not fresh:
            raise NetworkError(
                f"{symbol}: {venue.name} has more trades at {newest_ms} ms than a page holds, and "
                "pages by time only: what comes after cannot be asked for"
            )
        from_ms = newest_ms


async def _page(client: RestClient, symbol: str, page_id: int | None, from_ms: int) -> Checked:
    for _ in range(_TIMES):
        page = await fetch_checked(client, symbol, page_id=page_id, from_ms=from_ms)
        if not page.refused:
            return page
        logger.warning(
            "Rows of an answer are refused", rows=len(page.refused), reason=page.refused[0]
        )
    raise NetworkError(f"{symbol}: {len(page.refused)} rows make no sense: {page.refused[0]}")
