"""What no trade can be, whoever says so: it is refused before anything of its message is folded."""

from __future__ import annotations

from collections.abc import Sequence

from marketstream.errors import BadMessage
from marketstream.messages import Trade

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


def check_time(market: str, time_us: int) -> None:
    """Raise BadMessage where a time up to which a market is seen is none of our years."""
    if not 0 <= time_us < _UNTIL_US:
        raise BadMessage(
            f"{market} is said to be seen until {time_us} µs, which is no time before the year 2100"
        )


def _problem(trade: Trade) -> str:
    if not (_LEAST <= trade.price <= _MOST and _LEAST <= trade.quantity <= _MOST):
        return (
            f"price {trade.price} and quantity {trade.quantity} have to be positive numbers, "
            f"from {_LEAST:g} to {_MOST:g}"
        )
    if not 0 <= trade.time_us < _UNTIL_US:
        return f"{trade.time_us} is no time in µs before the year 2100"
    return f"{trade.count} fills cannot end with its id"
