"""Levels of a book around the quotes of a tape, which has the best bid and ask alone.

The levels behind the best stand on a grid of ten ticks, and their sizes are drawn from nothing but
price and update: a book of any moment can be made alone, and two near each other agree on most.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from exchange_simulator.market.tape import QuoteColumns, Tape

GRID_TICKS = 10
BOOK_LEVELS = 100  # a side, where a book is asked for with all that it has
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
    books = _around(tape.quote_at(time_us - 1), levels)
    return books[0] if books else None


def depths(tape: Tape, from_us: int, to_us: int, levels: int) -> list[Depth]:
    """Return the book before a half-open range of time, then the one after each quote in it.

    Before the first quote of all it is an empty one; nothing is returned where there was no quote.
    """
    books = _around(tape.quotes(from_us, to_us), levels)
    if not books:
        return []
    before = depth_at(tape, from_us, levels)
    return [before or Depth(books[0].update_id - 1, from_us, (), ()), *books]


def changes(*books: Levels) -> Levels:
    """Return the prices of one side that differ in books that follow on each other.

    Each has its quantity in the last of them, 0 where it is gone, be it that it only came and went;
    those that are gone come first.
    """
    last = dict(books[-1])
    pairs = ((set(before), set(after)) for before, after in pairwise(books))
    touched = {price: last.get(price, 0) for before, after in pairs for price, _ in before ^ after}
    return tuple(sorted(touched.items(), key=lambda level: (level[1] > 0, level[0])))


def moments(from_us: int, to_us: int, every_us: int) -> range:
    """Return the times at which a book is published that lie in `(from_us, to_us]`."""
    return range((from_us // every_us + 1) * every_us, to_us + 1, every_us)


def _around(quotes: QuoteColumns, levels: int) -> list[Depth]:
    books = []
    for update_id, time_us, bid, bid_size, ask, ask_size, _ in zip(
        *(column.tolist() for column in quotes), strict=True
    ):
        era = update_id // _SIZE_KEPT
        below = range((bid - 1) // GRID_TICKS * GRID_TICKS, 0, -GRID_TICKS)[: levels - 1]
        above = range((ask // GRID_TICKS + 1) * GRID_TICKS, 1 << 62, GRID_TICKS)[: levels - 1]
        bids = ((bid, bid_size), *((price, _lots(price, era)) for price in below))
        asks = ((ask, ask_size), *((price, _lots(price, era)) for price in above))
        books.append(Depth(update_id, time_us, bids, asks))
    return books


def _lots(price: int, era: int) -> int:
    mixed = (price * 0x9E3779B1 ^ era * 0x85EBCA6B) & 0xFFFFFFFF
    return 1 + (mixed * 0xC2B2AE35 >> 13) % _MOST_LOTS
