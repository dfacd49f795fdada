"""What a frame of an exchange turns out to be, in words that all exchanges share."""

from __future__ import annotations

from typing import Literal, final

import msgspec

from marketstream.messages import Side, Trade


@final
class TradeEvent(msgspec.Struct, frozen=True, gc=False):
    """A trade of one of the markets asked for."""

    market: str
    trade: Trade

    @property
    def time_us(self) -> int:
        """The exchange's time of the trade."""
        return self.trade.time_us


@final
class QuoteEvent(msgspec.Struct, frozen=True, gc=False):
    """Best bid and ask of a market; `time_us` is None where the exchange sends no time.

    `order` rises from one quote to the next, where the exchange numbers them.
    """

    market: str
    bid: float
    bid_quantity: float
    ask: float
    ask_quantity: float
    time_us: int | None = None
    order: int | None = None


type Levels = tuple[tuple[float, float], ...]
"""Prices with their quantities, the best first."""


@final
class BookEvent(msgspec.Struct, frozen=True, gc=False):
    """Levels of a market's book: all that are followed (`is_snapshot`), or those that changed.

    A quantity of 0 says that a price is gone. Where the exchange numbers changes, these are those
    from `first` to `last`; where it names the one that they follow on, that is `follows`.
    `checksum` is what the book sums up to with them.
    """

    market: str
    bids: Levels
    asks: Levels
    is_snapshot: bool
    time_us: int | None = None
    first: int | None = None
    last: int | None = None
    follows: int | None = None
    checksum: int | None = None


@final
class ContextEvent(msgspec.Struct, frozen=True, gc=False):
    """What a venue says of a perpetual as of a time; None is what it does not say now.

    Mark and index are prices, the open interest is in base units. Where it `confirms`, what it
    leaves out and said before on the same connection is as it was. Where it was `asked` for it is
    no sign that anything still comes by that connection.
    """

    market: str
    time_us: int
    mark: float | None = None
    index: float | None = None
    funding_rate: float | None = None
    next_funding_us: int | None = None
    open_interest: float | None = None
    confirms: bool = False
    asked: bool = False


@final
class LiquidationEvent(msgspec.Struct, frozen=True, gc=False):
    """A position that was closed by force, by an order on this side: `sell` closed a long."""

    market: str
    side: Side
    price: float
    quantity: float
    time_us: int


@final
class Alive(msgspec.Struct, frozen=True, gc=False):
    """A sign of life of one market's channel, or of the whole connection where `market` is None.

    `last_id` is the newest trade that the exchange knows of, where it says so.
    """

    market: str | None = None
    last_id: int | None = None
    time_us: int | None = None


class Ignored(msgspec.Struct, frozen=True, gc=False):
    """A well-formed frame of a channel nobody asked for."""

    channel: str


class Notice(msgspec.Struct, frozen=True, gc=False):
    """Something the exchange says about the connection.

    It closes soon (`shutdown`), it refused a request or accepted it (`refused`, `subscribed`), or
    what it played was a recording, of which there is no more (`ended`).
    """

    kind: Literal["shutdown", "ended", "refused", "subscribed"]
    text: str


type MarketEvent = TradeEvent | QuoteEvent | BookEvent | ContextEvent | LiquidationEvent


@final
class Several(msgspec.Struct, frozen=True, gc=False):
    """What a frame says that holds more than one event, in its order."""

    events: tuple[MarketEvent | Alive, ...]


type Event = MarketEvent | Alive | Several | Ignored | Notice
