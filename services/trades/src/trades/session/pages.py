"""What of a page of past trades is news, and the messages it makes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from msgspec.structs import replace

from marketstream.messages import Trade, Trades
from trades.session.rules import Mark, Row

_MOST_NEWER = 20  # trades than one after them by its id
_OUT_OF_STEP_US = 5_000_000  # between the times of two trades in the order of their ids


def first_id(trade: Trade) -> int:
    """Return the first id of a trade, which may be an aggregate of several."""
    return trade.id - trade.count + 1


def cut_down(trade: Trade, inside: range, quantities: Mapping[int, float]) -> Trade | None:
    """Return an aggregate with these of its ids only; None where nobody knows what is left.

    The fills of an aggregate have one price and one taker, and what they are worth together is
    known: where the quantities of the others are, so is the rest.
    """
    if len(inside) == trade.count:
        return trade
    others = [*range(first_id(trade), inside.start), *range(inside.stop, trade.id + 1)]
    if not all(one in quantities for one in others):
        return None
    quantity = Decimal(repr(trade.quantity))
    quantity -= sum(Decimal(repr(quantities[one])) for one in others)
    if quantity <= 0:
        return None
    return replace(trade, id=inside[-1], quantity=float(quantity), count=len(inside))


def is_of_two(rows: Sequence[Row], mark: Mark | None) -> bool:
    """Say whether rows in the order of their ids are of two numberings: their times go back.

    So it is too where lower ids than that of a known trade are newer than it, many or by far.
    """
    latest_us = newer = 0
    for _, trade in rows:
        if trade.time_us < latest_us - _OUT_OF_STEP_US:
            return True
        if mark is not None and trade.id < mark.id:
            newer += trade.time_us > mark.latest_us
            if newer > _MOST_NEWER or trade.time_us > mark.until_us:
                return True
        latest_us = max(latest_us, trade.time_us)
    return False


def quantities_of(trades: Iterable[Trade]) -> dict[int, float]:
    """Return the quantities of single fills, by id."""
    return {trade.id: trade.quantity for trade in trades if trade.count == 1}


def messages_of(
    market: str, trades: Sequence[Trade], every_us: int, epoch: int, spread_us: int = 0
) -> Iterator[Trades]:
    """Yield trades in messages that never span a boundary of `every_us`."""
    start = 0
    for end in range(1, len(trades) + 1):
        bucket = trades[start].time_us // every_us
        if end == len(trades) or trades[end].time_us // every_us != bucket:
            yield message_of(market, trades[start:end], epoch, spread_us)
            start = end


def message_of(market: str, trades: Sequence[Trade], epoch: int, spread_us: int = 0) -> Trades:
    """Return trades in one message; candles see the decimals."""
    return Trades(
        market, tuple(trades), None, trades[-1].time_us, 0, 0, epoch=epoch, spread_us=spread_us
    )
