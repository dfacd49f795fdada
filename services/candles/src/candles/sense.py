"""What no trade can be, whoever says so: it is refused before anything of its message is folded."""

from __future__ import annotations

from collections.abc import Sequence

from marketstream.errors import BadMessage
from marketstream.messages import Quote, Trade, Trades

_LEAST, _MOST = 1e-18, 1e18  # a price or quantity: all that sums in whole units can be kept of
_UNTIL_US = 4_102_444_800_000_000  # the year 2100
_MOST_ID = 2**63 - 1


def check_trades(market: str, trades: Sequence[Trade]) -> None:
    """Raise BadMessage with the first trade that makes no sense."""
    for trade in trades:
        if not (
            _LEAST <= trade.price <= _MOST
            and _LEAST <= trade.quantity <= _MOST
            and 0 <= trade.time_us < _UNTIL_US
            and 0 < trade.count <= trade.id + 1 <= _MOST_ID
        ):
            raise BadMessage(f"trade {trade.id} of {market}: {_problem(trade)}")


def check_times(message: Trades) -> None:
    """Raise BadMessage where a time up to which a market is seen or proven is none of our years."""
    said = (("seen", message.seen_until_us), ("proven", message.proven_until_us))
    for word, time_us in said:
        if time_us is not None and not 0 <= time_us < _UNTIL_US:
            raise BadMessage(
                f"{message.market} is said to be {word} until {time_us} µs, which is no time "
                "before the year 2100"
            )


def check_quote(market: str, quote: Quote | None) -> None:
    """Raise BadMessage where the numbers or the time of a quote make no sense."""
    if quote is None:
        return
    numbers = (quote.bid, quote.bid_quantity, quote.ask, quote.ask_quantity)
    if not all(0 <= number <= _MOST for number in numbers):
        raise BadMessage(f"quote of {market}: {numbers} have to be numbers from 0 to {_MOST:g}")
    if not 0 <= quote.time_us < _UNTIL_US:
        raise BadMessage(f"quote of {market}: {quote.time_us} is no time in µs before 2100")


def _problem(trade: Trade) -> str:
    if not (_LEAST <= trade.price <= _MOST and _LEAST <= trade.quantity <= _MOST):
        return (
            f"price {trade.price} and quantity {trade.quantity} have to be positive numbers, "
            f"from {_LEAST:g} to {_MOST:g}"
        )
    if not 0 <= trade.time_us < _UNTIL_US:
        return f"{trade.time_us} is no time in µs before the year 2100"
    return f"{trade.count} fills cannot end with its id"
