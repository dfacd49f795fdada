"""What an exchange said: trades, the newest quote, and how far time was seen."""

from __future__ import annotations

import msgspec

from marketstream.messages.context import Context
from marketstream.messages.words import Side


class Trade(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One fill: exchange id, price in quote units, quantity in base units, who took, and when.

    History may come aggregated: then it is `count` fills of one taker at one price, the last of
    them with this id, the others with the ids just before.
    """

    id: int
    price: float
    quantity: float
    taker: Side
    time_us: int
    count: int = 1


class Quote(msgspec.Struct, frozen=True, gc=False):
    """Best bid and ask with their sizes (base units), as of `time_us` of exchange time.

    `estimated` says that the exchange sent no time and the edge gave the quote one.
    """

    bid: float
    bid_quantity: float
    ask: float
    ask_quantity: float
    time_us: int
    estimated: bool = False

    @property
    def mid(self) -> float:
        """The middle between best bid and best ask."""
        return (self.bid + self.ask) / 2


type Levels = tuple[tuple[float, float], ...]
"""Prices with their quantities, the best first."""


class Depth(msgspec.Struct, frozen=True, gc=False):
    """The best levels of a market's book as of `time_us` of exchange time, those of both sides.

    Without levels it says that the book is not known from then on, as where a change was missed.
    """

    bids: Levels
    asks: Levels
    time_us: int

    @property
    def is_known(self) -> bool:
        """Whether there is a book."""
        return bool(self.bids and self.asks)


class Trades(msgspec.Struct, frozen=True):
    """What one socket read brought for one market: trades, the newest quote, how far time is seen.

    Every trade before `seen_until_us` (exclusive) has been seen, as far as anyone may assume: time
    moves on while silence is plausible. A heartbeat is one without trades. Before
    `proven_until_us` it is proven: a later id, or the exchange when asked, says that there is no
    trade that is neither published nor in a declared gap; None where only the trades' own ids
    prove anything. `epoch` counts numberings: ids of different ones have nothing to do with each
    other. Where ids do not number the trades one by one (`numbered` is false), they only tell one
    trade from another, and trades are in the order in which they came. Each trade may stand for
    some of up to `spread_us` before or after it, so that the candle beside may be theirs.
    Where levels of the book are followed, `depth` comes with some messages, and so does `context`
    where that of a perpetual is.
    `price_decimals` and `quantity_decimals` are the market's tick and lot as powers of ten, so that
    sums can be kept in whole units.
    """

    market: str
    trades: tuple[Trade, ...]
    quote: Quote | None
    seen_until_us: int
    price_decimals: int = 8
    quantity_decimals: int = 8
    proven_until_us: int | None = None
    epoch: int = 0
    depth: Depth | None = None
    numbered: bool = True
    spread_us: int = 0
    context: Context | None = None

    @property
    def identity(self) -> tuple[str, int, int, int]:
        """Market, epoch, first trade id (or -1) and how far time was seen."""
        first = self.trades[0].id if self.trades else -1
        return (self.market, self.epoch, first, self.seen_until_us)

    @property
    def latest_us(self) -> int:
        """The latest of all times said: each of them closes, proves or holds up something."""
        times = [self.seen_until_us]
        if self.proven_until_us is not None:
            times.append(self.proven_until_us)
        if self.quote is not None:
            times.append(self.quote.time_us)
        return max(times + [trade.time_us for trade in self.trades])
