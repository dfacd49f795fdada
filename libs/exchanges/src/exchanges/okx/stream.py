"""OKX's public WebSocket (v5): what to ask for, and what a frame says.

Of trades there is one message for each taker order and price, with the number of its fills, whose
ids are consecutive; `trades-all` has them one by one at another URL, where there are no quotes.
https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-trades-channel,
...-ws-order-book-channel and #overview-websocket
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from exchanges.bad_frames import bad_frame
from exchanges.events import (
    Alive,
    BookEvent,
    Event,
    Ignored,
    Levels,
    MarketEvent,
    Notice,
    QuoteEvent,
    Several,
    TradeEvent,
)
from exchanges.numbers import check_levels
from exchanges.okx import wire
from marketstream.errors import BadMessage, SettingsError
from marketstream.messages import Trade
from marketstream.symbols import market_of

_ALIVE = Alive()

_decode_trades = msgspec.json.Decoder(wire.Push[wire.Trade], strict=False).decode
_decode_books = msgspec.json.Decoder(wire.Push[wire.Book], strict=False).decode
_decode_envelope = msgspec.json.Decoder(wire.Envelope).decode


class OkxChannel(NamedTuple):
    """A channel of one market, and how its frames are read."""

    market: str
    instrument: str
    read: Callable[[bytes, OkxChannel], Event]


class OkxStream:
    """Trades and best bid and ask of some symbols; books where `levels` are followed."""

    request_interval_s = 0.5
    keepalive: bytes | None = b"ping"
    keepalive_s = 20.0

    def __init__(self, symbols: Sequence[str], venue: str = "okx", *, levels: int = 0) -> None:
        self.name = venue
        check_levels(levels, most=wire.MOST_LEVELS)
        symbols = list(dict.fromkeys(symbols))
        if len(symbols) > wire.MOST_SYMBOLS:
            raise SettingsError(
                f"{len(symbols)} symbols are too many: one connection to OKX carries "
                f"{wire.MOST_SYMBOLS}"
            )
        self.markets = tuple(market_of(venue, symbol) for symbol in symbols)
        kinds = {"trades": _read_trades, "bbo-tbt": _read_best}
        if levels:
            kinds["books5" if levels <= wire.FEW_LEVELS else "books"] = _read_levels
        self._channels: dict[tuple[str, str], OkxChannel] = self.channels_beside(symbols)
        for symbol, market in zip(symbols, self.markets, strict=True):
            instrument = self.instrument(symbol)
            for name, read in kinds.items():
                self._channels[name, instrument] = OkxChannel(market, instrument, read)
        self._channel_of_head = {
            b'{"arg":' + msgspec.json.encode({"channel": name, "instId": instrument})[:-1]: channel
            for (name, instrument), channel in self._channels.items()
            if instrument
        }

    def instrument(self, symbol: str) -> str:
        """Return a symbol as the exchange spells it; raises SettingsError if it is none of its."""
        return wire.spot_instrument(symbol)

    def channels_beside(self, symbols: Sequence[str]) -> dict[tuple[str, str], OkxChannel]:
        """Return what is followed beside trades and books, by name and instrument."""
        del symbols
        return {}

    def stream_url(self, ws_url: str) -> str:
        """Return the URL to connect to: the one given, since channels are subscribed to."""
        if not re.match(r"wss?://[^/]", ws_url):
            raise SettingsError(
                f"{ws_url!r} is not a WebSocket URL: set EXCHANGE_WS_URL to one like "
                "wss://ws.okx.com:8443/ws/v5/public"
            )
        return ws_url

    def subscribe_frames(self) -> list[bytes]:
        """Return the one request there is; each channel is answered."""
        args = [
            {"channel": name, "instId": instrument} if instrument else _all_swaps(name)
            for name, instrument in self._channels
        ]
        return [msgspec.json.encode({"op": "subscribe", "args": args})]

    def parse(self, frame: bytes) -> Event:
        """Return what a frame says; raises BadMessage where it makes no sense."""
        channel = self._channel_of_head.get(frame[: frame.find(b"}")])
        try:
            return self._read_any(frame) if channel is None else channel.read(frame, channel)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise bad_frame(error, frame) from error

    def _read_any(self, frame: bytes) -> Event:
        """Read a frame of another channel, about the connection, or written in another way."""
        if frame == b"pong":
            return _ALIVE
        said = _decode_envelope(frame)
        if said.event is not None:
            return _notice(said)
        if said.arg is None:
            raise BadMessage(f"neither channel nor event: {frame[:100].decode(errors='replace')}")
        channel = self._channels.get((said.arg.channel, said.arg.instrument))
        if channel is None:
            return Ignored(f"{said.arg.channel} {said.arg.instrument}"[:50])
        return channel.read(frame, channel)


def _all_swaps(name: str) -> dict[str, str]:
    return {"channel": name, "instType": "SWAP"}


def _notice(said: wire.Envelope) -> Event:
    if said.event == "error":
        return Notice("refused", f"the exchange refused a request: {said.message:.200}")
    if said.event == "subscribe":
        return Notice("subscribed", "the exchange accepted a request")
    if said.event == "notice" and said.code == wire.GOING_AWAY:
        return Notice("shutdown", "the exchange announced that it closes this connection")
    return Ignored(f"{said.event}"[:50])


def _read_trades(frame: bytes, channel: OkxChannel) -> Event:
    market, instrument, _ = channel
    events: list[MarketEvent] = []
    for row in _decode_trades(frame).data:
        if row.instrument != instrument:
            raise BadMessage(f"{market}: its channel carries instId={row.instrument!r:.50}")
        if row.count > row.id + 1:
            raise BadMessage(f"{market}: tradeId={row.id} is the last of count={row.count}")
        trade = Trade(row.id, row.price, row.size, row.side, row.time_ms * 1_000, row.count)
        events.append(TradeEvent(market, trade))
    return event_of(events, channel)


def _read_best(frame: bytes, channel: OkxChannel) -> Event:
    events: list[MarketEvent] = []
    for book in _decode_books(frame).data:
        if not (book.bids and book.asks):
            continue  # a market in which nobody buys, or nobody sells
        bid, ask = book.bids[0], book.asks[0]
        if bid.size == 0 or ask.size == 0:
            raise BadMessage(f"{channel.market}: a best price without a size: {bid}, {ask}")
        if bid.price >= ask.price:
            raise BadMessage(f"{channel.market}: crossed quote, {bid.price} and {ask.price}")
        quote = QuoteEvent(
            channel.market,
            bid.price,
            bid.size,
            ask.price,
            ask.size,
            book.time_ms * 1_000,
            book.sequence,
        )
        events.append(quote)
    return event_of(events, channel)


def _read_levels(frame: bytes, channel: OkxChannel) -> Event:
    push = _decode_books(frame)
    is_snapshot = push.action == "snapshot"
    events: list[MarketEvent] = [
        BookEvent(
            channel.market,
            _levels(book.bids),
            _levels(book.asks),
            is_snapshot,
            time_us=book.time_ms * 1_000,
            last=book.sequence,
            follows=None if is_snapshot else book.follows,
            checksum=book.checksum or None,  # 0 since there is none any more
        )
        for book in push.data
    ]
    return event_of(events, channel)


def _levels(rows: list[wire.Level]) -> Levels:
    return tuple([(row.price, row.size) for row in rows])


def event_of(events: Sequence[MarketEvent], channel: OkxChannel) -> Event:
    """Return what a frame says that holds these events, one or several or none."""
    if len(events) == 1:
        return events[0]
    return Several(tuple(events)) if events else Ignored(f"nothing of {channel.instrument}"[:50])
