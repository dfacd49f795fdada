"""What of a market's past can be asked for: never anything at or after its present."""

from __future__ import annotations

from collections.abc import Iterator

from exchange_simulator.market.columns import chosen, concatenated
from exchange_simulator.market.tape import Tape, TradeColumns

_HOUR_US = 3_600_000_000
_FIRST_LOOK_US = 60_000_000


def hours(from_us: int, to_us: int) -> Iterator[tuple[int, int]]:
    """Yield a range of time in pieces that end on full hours, the piece a tape has at hand."""
    while from_us < to_us:
        end_us = min(to_us, from_us - from_us % _HOUR_US + _HOUR_US)
        yield from_us, end_us
        from_us = end_us


def latest_trades(tape: Tape, count: int, before_us: int, not_before_us: int) -> TradeColumns:
    """Return the last `count` trades of `[not_before_us, before_us)`, or as many as there are."""
    look_us = _FIRST_LOOK_US
    while True:
        from_us = max(not_before_us, before_us - look_us)
        trades = tape.trades(from_us, before_us)
        if len(trades.id) >= count or from_us <= not_before_us:
            return chosen(trades, slice(max(len(trades.id) - count, 0), None))
        look_us *= 4


def first_trades(tape: Tape, count: int, from_us: int, before_us: int) -> TradeColumns:
    """Return the first `count` trades of `[from_us, before_us)`."""
    parts = [tape.trades(from_us, from_us)]
    found = 0
    for start_us, end_us in hours(from_us, before_us):
        parts.append(tape.trades(start_us, end_us))
        found += len(parts[-1].id)
        if found >= count:
            break
    return chosen(concatenated(parts), slice(count))


def trades_below(
    tape: Tape, id_: int | None, count: int, before_us: int, not_before_us: int
) -> TradeColumns:
    """Return the last `count` trades whose ids are below one, or of all where that is None."""
    newest = latest_trades(tape, 1, before_us, not_before_us)
    if id_ is None or not len(newest.id) or id_ > newest.id[-1]:
        return latest_trades(tape, count, before_us, not_before_us)
    trades = tape.trades_from_id(max(0, id_ - count), count, before_us)
    return chosen(trades, (trades.id < id_).nonzero()[0])
