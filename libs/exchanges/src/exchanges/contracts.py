"""Quantities that an exchange says in contracts, in base units.

What a contract is worth comes with tick and lot, so those have to be asked for first.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from msgspec.structs import replace

from exchanges.events import (
    Alive,
    ContextEvent,
    Event,
    Ignored,
    Levels,
    LiquidationEvent,
    MarketEvent,
    Notice,
    QuoteEvent,
    Several,
    TradeEvent,
)
from exchanges.venue import Stream
from marketstream.errors import BadMessage
from marketstream.messages import Trade
from marketstream.symbols import split_market


class InBaseUnits:
    """A stream whose quantities are in contracts, with all of them in base units.

    `sizes` are what a contract is worth by symbol; whoever asks the exchange adds to them.
    """

    def __init__(self, stream: Stream, sizes: Mapping[str, Fraction]) -> None:
        self.name = stream.name
        self.markets = stream.markets
        self.request_interval_s = stream.request_interval_s
        self.keepalive = stream.keepalive
        self.keepalive_s = stream.keepalive_s
        self.stream_url = stream.stream_url
        self.subscribe_frames = stream.subscribe_frames
        self._parse = stream.parse
        self._sizes = sizes
        self._symbols = {market: split_market(market)[1] for market in stream.markets}

    def parse(self, frame: bytes) -> Event:
        """Return what a frame says; raises BadMessage too while nobody knows a contract's worth."""
        event = self._parse(frame)
        if isinstance(event, Several):
            return Several(
                tuple(
                    one if isinstance(one, Alive) else self._converted(one) for one in event.events
                )
            )
        return event if isinstance(event, Alive | Ignored | Notice) else self._converted(event)

    def _converted(self, event: MarketEvent) -> MarketEvent:
        size = self._sizes.get(self._symbols[event.market])
        if size is None:
            raise BadMessage(
                f"{event.market}: what a contract is worth is not known yet, since the exchange's "
                "REST API has not said it"
            )
        if isinstance(event, TradeEvent):
            return TradeEvent(event.market, trade_in_base_units(event.trade, size))
        n, d = size.numerator, size.denominator
        if isinstance(event, QuoteEvent):
            return QuoteEvent(
                event.market,
                event.bid,
                event.bid_quantity * n / d,
                event.ask,
                event.ask_quantity * n / d,
                event.time_us,
                event.order,
            )
        if isinstance(event, LiquidationEvent):
            return replace(event, quantity=event.quantity * n / d)
        if isinstance(event, ContextEvent):
            interest = event.open_interest
            return event if interest is None else replace(event, open_interest=interest * n / d)
        return replace(
            event, bids=_levels(event.bids, n, d), asks=_levels(event.asks, n, d), checksum=None
        )


def trade_in_base_units(trade: Trade, size: Fraction) -> Trade:
    """Return a trade whose quantity is in contracts of a size, in base units.

    Of sizes such as 1/100 the quotient is the float nearest to the decimal number.
    """
    quantity = trade.quantity * size.numerator / size.denominator
    return Trade(trade.id, trade.price, quantity, trade.taker, trade.time_us, trade.count)


def _levels(levels: Levels, n: int, d: int) -> Levels:
    return tuple([(price, quantity * n / d) for price, quantity in levels])
