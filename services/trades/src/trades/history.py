"""The trades of the past by REST, page by page, up to where the live ones begin."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from decimal import Decimal

from loguru import logger
from msgspec.structs import replace

from exchanges.client import RestClient, fetch_trades
from marketstream.messages import Trade, Trades

_RETRY_S = 0.25
_PATIENCE_S = 10.0


def only(ids: range, known: Iterable[Trade], trades: Iterable[Trade]) -> list[Trade]:
    """Return what of a page are trades of these ids; `known` are those around them.

    History comes in aggregates of several fills. One of which some fills are known is cut down to
    the others: they have one price and one taker, and what they are worth together is what is left.
    One of which more is left than these ids is not used: nobody knows what they are worth.
    """
    quantities: dict[int, float] | None = None
    chosen = []
    for trade in trades:
        first_id = trade.id - trade.count + 1
        inside = range(max(first_id, ids.start), min(trade.id + 1, ids.stop))
        if len(inside) == trade.count:
            chosen.append(trade)
        elif inside:
            if quantities is None:
                quantities = {one.id: one.quantity for one in known if one.count == 1}
            others = [*range(first_id, inside.start), *range(inside.stop, trade.id + 1)]
            if all(one in quantities for one in others):
                quantity = Decimal(repr(trade.quantity))
                quantity -= sum(Decimal(repr(quantities[one])) for one in others)
                if quantity > 0:
                    chosen.append(
                        replace(trade, id=inside[-1], quantity=float(quantity), count=len(inside))
                    )
    return chosen


def holes(trades: Iterable[Trade], next_id: int, since_us: int) -> Iterator[tuple[range, int, int]]:
    """Yield ids that trades in order jump over, from the one expected on, and the times around."""
    for trade in trades:
        first_id = trade.id - trade.count + 1
        if first_id > next_id:
            yield range(next_id, first_id), since_us, trade.time_us
        next_id, since_us = trade.id + 1, trade.time_us


async def fetch_history(
    client: RestClient, symbol: str, *, from_ms: int, first_live_id: Callable[[], int | None]
) -> AsyncIterator[list[Trade]]:
    """Yield the trades from a time on, in order, until they meet the live ones.

    `first_live_id` says which trade came first by the stream, None while none has; the stream has
    to be subscribed before. REST may be a moment behind it: what is missing in between is asked for
    again for some seconds, and then left to show as a gap.
    """
    loop = asyncio.get_running_loop()
    page_id: int | None = None
    last_id = -1
    deadline_s: float | None = None
    while True:
        page = await fetch_trades(client, symbol, page_id=page_id, from_ms=from_ms)
        if page:
            page_id = page[-1].page_id + 1
            last_id = page[-1].trade.id
            yield [row.trade for row in page]
        live_id = first_live_id()
        if live_id is not None and last_id >= live_id - 1:
            return
        if len(page) == client.venue.page_trades:
            continue
        if live_id is None:
            return
        if deadline_s is None:
            deadline_s = loop.time() + _PATIENCE_S
        if loop.time() > deadline_s:
            missing = live_id - 1 - last_id
            logger.warning("History does not reach the live trades", symbol=symbol, missing=missing)
            return
        await asyncio.sleep(_RETRY_S)


def messages_of(market: str, trades: Sequence[Trade], every_ms: int) -> Iterator[Trades]:
    """Yield trades in messages that never span a boundary of `every_ms`."""
    every_us = every_ms * 1_000
    start = 0
    for end in range(1, len(trades) + 1):
        bucket = trades[start].time_us // every_us
        if end == len(trades) or trades[end].time_us // every_us != bucket:
            yield message_of(market, trades[start:end])
            start = end


def message_of(market: str, trades: Sequence[Trade]) -> Trades:
    """Return trades in one message; candles see the decimals."""
    return Trades(market, tuple(trades), None, trades[-1].time_us, 0, 0)
