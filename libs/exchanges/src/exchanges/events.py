"""What a frame of an exchange turns out to be, in words that all exchanges share."""

from __future__ import annotations

from typing import Literal, final

import msgspec

from marketstream.messages import Trade


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


type MarketEvent = TradeEvent | QuoteEvent
type Event = MarketEvent | Ignored | Notice
