"""What OKX's channels say of swaps beside trades and books.

https://www.okx.com/docs-v5/en/#public-data-websocket-mark-price-channel, ...-funding-rate-channel,
...-open-interest-channel, ...-liquidation-orders-channel and
#order-book-trading-market-data-ws-index-tickers-channel
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from exchanges.events import ContextEvent, Event, LiquidationEvent
from exchanges.okx import wire
from exchanges.okx.stream import OkxChannel, event_of
from marketstream.errors import BadMessage

type Read = Callable[[bytes, OkxChannel], Event]

_decode_liquidations = msgspec.json.Decoder(wire.Push[wire.Liquidations], strict=False).decode


def _reading(shape: Any, said: Callable[[Any], Mapping[str, Any]]) -> Read:
    """Return what reads the rows of a channel, each of which says these fields of an event."""
    decode = msgspec.json.Decoder(wire.Push[shape], strict=False).decode

    def read(frame: bytes, channel: OkxChannel) -> Event:
        events = []
        for row in decode(frame).data:
            if row.instrument != channel.instrument:
                raise BadMessage(
                    f"{channel.market}: its channel carries instId={row.instrument!r:.50}"
                )
            events.append(ContextEvent(channel.market, row.time_ms * 1_000, **said(row)))
        return event_of(events, channel)

    return read


OF_SWAP: Mapping[str, Read] = {
    "mark-price": _reading(wire.Mark, lambda row: {"mark": row.price}),
    "funding-rate": _reading(
        wire.Funding,
        lambda row: {"funding_rate": row.rate, "next_funding_us": row.due_ms * 1_000},
    ),
    "open-interest": _reading(wire.OpenInterest, lambda row: {"open_interest": row.contracts}),
}
"""The channels of a swap, by name."""
OF_INDEX: Mapping[str, Read] = {
    "index-tickers": _reading(wire.Index, lambda row: {"index": row.price})
}
"""Those of its index."""
LIQUIDATIONS = "liquidation-orders"
"""The channel of all swaps."""


def reading_liquidations(markets: Mapping[str, str]) -> Read:
    """Return what reads the liquidations of these markets, by instrument, and passes over others'.

    Those of a frame whose swaps nobody asked for are ignored.
    """

    def read(frame: bytes, channel: OkxChannel) -> Event:
        events = [
            LiquidationEvent(market, one.side, one.price, one.size, one.time_ms * 1_000)
            for row in _decode_liquidations(frame).data
            if (market := markets.get(row.instrument)) is not None
            for one in row.details
        ]
        return event_of(events, channel)

    return read
