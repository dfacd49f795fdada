"""Levels of a book around the quotes of a tape, which has the best bid and ask alone.

The levels behind the best stand on a grid of ten ticks, and their sizes are drawn from nothing but
price and update: a book of any moment can be made alone, and two near each other agree on most.
"""

from __future__ import annotations

from typing import NamedTuple

from exchange_simulator.market.tape import Tape

GRID_TICKS = 10
_SIZE_KEPT = 64  # updates for which a level behind the best keeps its size
_MOST_LOTS = 1 << 16

type Levels = tuple[tuple[int, int], ...]
"""Prices in ticks with quantities in lots, the best first."""


class Depth(NamedTuple):
    """A book after one update of its quote."""

    update_id: int
    time_us: int
    bids: Levels
    asks: Levels


def depth_at(tape: Tape, time_us: int, levels: int) -> Depth | None:
    """Return the book as of just before a time; None before the first quote."""
    quotes = tape.quote_at(time_us - 1)
    if not len(quotes.update_id):
        return None
    update_id, quote_us, bid, bid_size, ask, ask_size, _ = (int(column[0]) for column in quotes)
    era = update_id // _SIZE_KEPT
    below = range((bid - 1) // GRID_TICKS * GRID_TICKS, 0, -GRID_TICKS)[: levels - 1]
    above = range((ask // GRID_TICKS + 1) * GRID_TICKS, 1 << 62, GRID_TICKS)[: levels - 1]
    bids = ((bid, bid_size), *((price, _lots(price, era)) for price in below))
    asks = ((ask, ask_size), *((price, _lots(price, era)) for price in above))
    return Depth(update_id, quote_us, bids, asks)


def changes(before: Levels, after: Levels) -> Levels:
    """Return the levels of one side that differ, with a quantity of 0 where a price is gone."""
    was, is_ = dict(before), dict(after)
    gone = ((price, 0) for price in was if price not in is_)
    return (*gone, *((price, lots) for price, lots in after if was.get(price) != lots))


def moments(from_us: int, to_us: int, every_us: int) -> range:
    """Return the times at which a book is published that lie in `(from_us, to_us]`."""
    return range((from_us // every_us + 1) * every_us, to_us + 1, every_us)


def _lots(price: int, era: int) -> int:
    mixed = (price * 0x9E3779B1 ^ era * 0x85EBCA6B) & 0xFFFFFFFF
    return 1 + (mixed * 0xC2B2AE35 >> 13) % _MOST_LOTS
