"""Binance's WebSocket streams: what to ask for, and what a frame says.

Raw frames (`{"e":"trade",…}`) and combined ones (`{"stream":"btcusdt@trade","data":{…}}`) are read
alike. https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import batched
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from exchanges.binance import channels, wire
from exchanges.binance.channels import Channel, trade_event
from exchanges.events import Event, Ignored, Notice
from exchanges.numbers import check_levels
from marketstream.errors import BadMessage, SettingsError
from marketstream.symbols import market_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exchanges.binance.channels import Kind

_STREAMS_PER_REQUEST = 200
_CHANGES = ("depth", "depth@0ms", "depth@100ms", "depth@250ms", "depth@500ms", "depth@1000ms")
_SNAPSHOT = "depth snapshot"
_AFTER_HEAD = len('{"stream":"')
_SHUTDOWN = Notice("shutdown", "the exchange announced that it closes this connection")
_SUBSCRIBED = Notice("subscribed", "the exchange accepted a request")
_ENDED = Notice("ended", "the recording has ended")

_decode_envelope = msgspec.json.Decoder(wire.Envelope).decode
_decode_trade = channels.TRADE.decode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode


class BinanceStream:
    """Trades, best bid and ask and levels of the book of some symbols, such as `BTC/USDT`.

    Markets are named after `venue`, so that those of a server that only speaks as Binance does, a
    simulated one, are never taken for Binance's own. Where `levels` of a book are followed, its
    best ones are asked for, which are all there are each time; whoever recorded its changes
    instead, `btcusdt@depth@100ms`, has them read too. So has, where one symbol is followed, who put
    REST's snapshot among them, which does not say whose it is.
    """

    # At most 5 messages a second, in which the feed's own pings and pongs count too.
    request_interval_s = 0.5
    keepalive: bytes | None = None
    keepalive_s = 0.0
    example_url = "wss://stream.binance.com:9443/ws"
    best_levels: Kind = channels.LEVELS
    kinds_beside: Mapping[str, Kind] = MappingProxyType({})  # read where they come, not asked for
    is_combined = False

    def __init__(self, symbols: Sequence[str], venue: str = "binance", *, levels: int = 0) -> None:
        self.name = venue
        check_levels(levels, most=wire.BOOK_LEVELS[-1])
        symbols = list(dict.fromkeys(symbols))
        self.markets = tuple(market_of(self.name, symbol) for symbol in symbols)
        wanted = self.kinds_wanted(levels)
        if len(symbols) * len(wanted) > wire.MOST_STREAMS:
            raise SettingsError(
                f"{len(symbols)} symbols are too many: one connection to Binance carries "
                f"{wire.MOST_STREAMS // len(wanted)}"
            )
        known = wanted | (dict.fromkeys(_CHANGES, channels.CHANGES) if levels else {})
        known |= self.kinds_beside
        self._wanted: list[str] = []
        self._channels: dict[str, Channel] = {}
        for symbol, market in zip(symbols, self.markets, strict=True):
            wire_symbol = self.wire_symbol(symbol)
            for name, kind in known.items():
                stream = f"{wire_symbol.lower()}@{name}"
                self._channels[stream] = Channel(stream, market, wire_symbol, kind)
                if name in wanted:
                    self._wanted.append(stream)
        # Levels of spot markets come without a symbol, but for the name of their stream.
        self._combined = levels > 0 or self.is_combined
        # The first bytes of a combined frame up to the end of its stream's name say it all.
        self._channel_of_head = {
            b'{"stream":"' + c.stream.encode(): c for c in self._channels.values()
        }
        every = tuple(self._channels.values())
        self._trades_of = {c.wire_symbol: c for c in every if c.kind is channels.TRADE}
        self._quotes_of = {c.wire_symbol: c for c in every if c.kind is channels.QUOTE}
        if levels and len(symbols) == 1:
            changes = every[-1]
            self._channels[_SNAPSHOT] = replace(changes, stream=_SNAPSHOT, kind=channels.LEVELS)

    def kinds_wanted(self, levels: int) -> dict[str, Kind]:
        """Return what is asked for of each symbol, by the names of its streams."""
        wanted: dict[str, Kind] = {"trade": channels.TRADE, "bookTicker": channels.QUOTE}
        if levels:
            most = next(number for number in wire.BOOK_LEVELS if number >= levels)
            wanted[f"depth{most}@100ms"] = self.best_levels
        return wanted

    def wire_symbol(self, symbol: str) -> str:
        """Return a symbol as the exchange spells it: `BTCUSDT`."""
        return wire.wire_symbol(symbol)

    def stream_url(self, ws_url: str) -> str:
        """Return the URL to connect to: the one given, since streams are asked for by SUBSCRIBE."""
        if not re.match(r"wss?://[^/]", ws_url):
            raise SettingsError(
                f"{ws_url!r} is not a WebSocket URL: set EXCHANGE_WS_URL to one like "
                f"{self.example_url}"
            )
        return ws_url

    def subscribe_frames(self) -> list[bytes]:
        """Return the SUBSCRIBE requests, to be sent `request_interval_s` apart."""
        requests: list[tuple[str, Sequence[object]]] = []
        if self._combined:
            requests.append(("SET_PROPERTY", ("combined", True)))
        requests += [("SUBSCRIBE", some) for some in batched(self._wanted, _STREAMS_PER_REQUEST)]
        return [
            msgspec.json.encode({"method": method, "params": params, "id": number})
            for number, (method, params) in enumerate(requests, 1)
        ]

    def parse(self, frame: bytes) -> Event:
        """Return what a frame says; raises BadMessage, naming field and value, where it is wrong.

        The usual frames are recognised by their first bytes. Whatever looks different, another
        order of keys for example, or does not fit, is looked at once more without assumptions.
        """
        try:
            if frame.startswith(b'{"e":"trade"'):
                trade = _decode_trade(frame)
                channel = self._trades_of.get(trade.symbol)
                if channel is not None:
                    return trade_event(trade, channel)
                return self._parse_any(frame)
            channel = self._channel_of_head.get(frame[: frame.find(b'"', _AFTER_HEAD)])
            if channel is not None:
                kind = channel.kind
                return kind.event(kind.decode_combined(frame).data, channel)
            if frame.startswith((b'{"u":', b'{"e":"bookTicker"')):
                quote = channels.QUOTE.decode(frame)
                channel = self._quotes_of.get(quote.symbol)
                if channel is not None:
                    return channels.QUOTE.event(quote, channel)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass  # what is wrong with it is said below
        return self._parse_any(frame)

    def _parse_any(self, frame: bytes) -> Event:
        try:
            stream = _decode_envelope(frame).stream
            if stream == "!serverShutdown":
                return _shutdown(frame)
            if stream is not None and stream not in self._channels:
                return Ignored(stream)
            fields = _decode_object(frame)
            if stream is not None:
                fields = msgspec.convert(fields.get("data"), dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadMessage(f"not a frame in JSON: {error}") from error
        if stream is None:
            if "result" in fields:
                return _SUBSCRIBED if fields["result"] is None else Ignored("control")
            if "error" in fields or ("code" in fields and "msg" in fields):
                refusal = fields.get("error", fields)
                return Notice("refused", f"the exchange refused a request: {refusal!s:.200}")
            if fields.get("e") == "serverShutdown":
                return _shutdown(frame)
            stream = _stream_of(fields)
        channel = self._channels.get(stream)
        if channel is None:
            return Ignored(stream)
        execution = fields.get("X", "")
        if channel.kind is channels.TRADE and execution not in wire.OF_MARKET:
            return Ignored(f"{stream} X={execution!s:.20}")
        try:
            kind = channel.kind
            return kind.event(msgspec.convert(fields, kind.shape, strict=False), channel)
        except msgspec.ValidationError as error:
            raise BadMessage(_with_value(str(error), stream, fields)) from error


def _shutdown(frame: bytes) -> Notice:
    # Only a simulated exchange gives a reason, when a recording has been played to its end.
    return _ENDED if b'"reason":"recording ended"' in frame else _SHUTDOWN


def _stream_of(fields: dict[str, Any]) -> str:
    """Return the stream that a raw frame belongs to."""
    event, symbol = fields.get("e"), fields.get("s")
    if event is None and "openInterest" in fields:  # an answer of REST, which has another name
        event, symbol = "openInterest", fields.get("symbol")
    if event is None and {"s", "b", "B", "a", "A"} <= fields.keys():
        event = "bookTicker"
    if event is None and "lastUpdateId" in fields:
        return _SNAPSHOT
    if not isinstance(event, str):
        raise BadMessage(f"e={event!r:.50}: no event type, and fields {sorted(fields)!s:.200}")
    if isinstance(symbol, str):
        return f"{symbol.lower()}@{event}"
    if event in ("trade", "bookTicker"):
        raise BadMessage(f"{event}: s={symbol!r:.50} is no symbol")
    return event


def _with_value(problem: str, stream: str, fields: dict[str, Any]) -> str:
    path = re.search(r" - at `\$\.(\w+)`$", problem)
    if path is None:  # a missing field, named in the problem itself
        return f"{stream}: {problem}"
    return f"{stream}: {path[1]}={fields[path[1]]!r:.50}: {problem[: path.start()]}"
