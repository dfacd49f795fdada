"""Binance spot's WebSocket streams: what to ask for, and what a frame says.

Raw frames (`{"e":"trade",…}`) and combined ones (`{"stream":"btcusdt@trade","data":{…}}`) are read
alike. https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from exchanges.binance import wire
from exchanges.events import Event, Ignored, Notice, QuoteEvent, TradeEvent
from exchanges.numbers import Positive, check_levels
from marketstream.errors import BadMessage, SettingsError
from marketstream.messages import Trade
from marketstream.symbols import market_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_STREAMS_PER_REQUEST = 200
_AFTER_HEAD = len('{"stream":"')
_SHUTDOWN = Notice("shutdown", "the exchange announced that it closes this connection")
_SUBSCRIBED = Notice("subscribed", "the exchange accepted a request")
_ENDED = Notice("ended", "the recording has ended")

type _Trade = wire.Trade[float]
type _Quote = wire.Quote[float]


class _Channel(NamedTuple):
    stream: str
    market: str
    wire_symbol: str
    is_trade: bool


_TRADE, _QUOTE = wire.Trade[Positive], wire.Quote[Positive]
_decode_trade = msgspec.json.Decoder(_TRADE, strict=False).decode
_decode_combined_trade = msgspec.json.Decoder(
    wire.Combined[wire.Trade[Positive]], strict=False
).decode
_decode_quote = msgspec.json.Decoder(_QUOTE, strict=False).decode
_decode_combined_quote = msgspec.json.Decoder(
    wire.Combined[wire.Quote[Positive]], strict=False
).decode
_decode_envelope = msgspec.json.Decoder(wire.Envelope).decode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode


class BinanceStream:
    """Trades and best bid and ask of some symbols, such as `BTC/USDT`.

    Markets are named after `venue`, so that those of a server that only speaks as Binance does, a
    simulated one, are never taken for Binance's own.
    """

    # At most 5 messages a second, in which the feed's own pings and pongs count too.
    request_interval_s = 0.5
    keepalive: bytes | None = None
    keepalive_s = 0.0

    def __init__(self, symbols: Sequence[str], venue: str = "binance", *, levels: int = 0) -> None:
        self.name = venue
        check_levels(levels, most=0)
        symbols = list(dict.fromkeys(symbols))
        self.markets = tuple(market_of(self.name, symbol) for symbol in symbols)
        self._channels: dict[str, _Channel] = {}
        for symbol, market in zip(symbols, self.markets, strict=True):
            wire_symbol = wire.wire_symbol(symbol)
            for kind in ("trade", "bookTicker"):
                stream = f"{wire_symbol.lower()}@{kind}"
                self._channels[stream] = _Channel(stream, market, wire_symbol, kind == "trade")
        if len(self._channels) > wire.MOST_STREAMS:
            raise SettingsError(
                f"{len(symbols)} symbols are too many: one connection to Binance carries "
                f"{wire.MOST_STREAMS // 2}"
            )
        # The first bytes of a combined frame up to the end of its stream's name say it all.
        self._channel_of_head = {
            b'{"stream":"' + c.stream.encode(): c for c in self._channels.values()
        }
        self._trades_of = {c.wire_symbol: c for c in self._channels.values() if c.is_trade}
        self._quotes_of = {c.wire_symbol: c for c in self._channels.values() if not c.is_trade}

    def stream_url(self, ws_url: str) -> str:
        """Return the URL to connect to: the one given, since streams are asked for by SUBSCRIBE."""
        if not re.match(r"wss?://[^/]", ws_url):
            raise SettingsError(
                f"{ws_url!r} is not a WebSocket URL: set EXCHANGE_WS_URL to one like "
                "wss://stream.binance.com:9443/ws"
            )
        return ws_url

    def subscribe_frames(self) -> list[bytes]:
        """Return the SUBSCRIBE requests, to be sent `request_interval_s` apart."""
        streams = list(self._channels)
        starts = range(0, len(streams), _STREAMS_PER_REQUEST)
        return [
            msgspec.json.encode(
                {
                    "method": "SUBSCRIBE",
                    "params": streams[start : start + _STREAMS_PER_REQUEST],
                    "id": number,
                }
            )
            for number, start in enumerate(starts, 1)
        ]

    def parse(self, frame: bytes) -> Event:
        """Return what a frame says; raises BadMessage, naming field and value, where it is wrong.

        The usual frames are recognised by their first bytes. Whatever looks different, another
        order of keys for example, or does not fit, is looked at once more without assumptions.
        """
        try:
            channel = self._channel_of_head.get(frame[: frame.find(b'"', _AFTER_HEAD)])
            if channel is not None:
                if not channel.is_trade:
                    return _quote_event(_decode_combined_quote(frame).data, channel)
                return _trade_event(_decode_combined_trade(frame).data, channel)
            if frame.startswith(b'{"e":"trade"'):
                trade = _decode_trade(frame)
                channel = self._trades_of.get(trade.symbol)
                if channel is not None:
                    return _trade_event(trade, channel)
            elif frame.startswith(b'{"u":'):
                quote = _decode_quote(frame)
                channel = self._quotes_of.get(quote.symbol)
                if channel is not None:
                    return _quote_event(quote, channel)
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
        if channel.is_trade and execution not in wire.OF_MARKET:
            return Ignored(f"{stream} X={execution!s:.20}")
        try:
            if channel.is_trade:
                return _trade_event(msgspec.convert(fields, _TRADE, strict=False), channel)
            return _quote_event(msgspec.convert(fields, _QUOTE, strict=False), channel)
        except msgspec.ValidationError as error:
            raise BadMessage(_with_value(str(error), stream, fields)) from error


def _shutdown(frame: bytes) -> Notice:
    # Only a simulated exchange gives a reason, when a recording has been played to its end.
    return _ENDED if b'"reason":"recording ended"' in frame else _SHUTDOWN


def _trade_event(fields: _Trade, channel: _Channel) -> TradeEvent | Ignored:
    if fields.symbol != channel.wire_symbol or fields.event != "trade":
        raise _disagreement(channel, fields)
    if fields.execution not in wire.OF_MARKET:
        return Ignored(f"{channel.stream} X={fields.execution:.20}")
    time = fields.time
    trade = Trade(
        fields.id,
        fields.price,
        fields.quantity,
        "sell" if fields.buyer_is_maker else "buy",
        time * 1_000 if time < wire.LAST_MS else _checked_us(time, channel.stream),
    )
    return TradeEvent(channel.market, trade)


def _quote_event(fields: _Quote, channel: _Channel) -> QuoteEvent:
    if fields.symbol != channel.wire_symbol or fields.event != "bookTicker":
        raise _disagreement(channel, fields)
    if fields.bid >= fields.ask:
        raise BadMessage(f"{channel.stream}: crossed quote, b={fields.bid}, a={fields.ask}")
    time = fields.time
    if time is not None:
        time = time * 1_000 if time < wire.LAST_MS else _checked_us(time, channel.stream)
    return QuoteEvent(
        channel.market,
        fields.bid,
        fields.bid_quantity,
        fields.ask,
        fields.ask_quantity,
        time,
        fields.update_id,
    )


def _disagreement(channel: _Channel, fields: _Trade | _Quote) -> BadMessage:
    return BadMessage(f"{channel.stream} carries e={fields.event!r:.50}, s={fields.symbol!r:.50}")


def _checked_us(time: int, stream: str) -> int:
    """Return a time that is not in ms: in µs, where the URL has timeUnit=MICROSECOND."""
    if time < wire.FIRST_MS * 1_000:
        raise BadMessage(f"{stream}: T={time} is no time in ms nor in µs")
    return time


def _stream_of(fields: dict[str, Any]) -> str:
    """Return the stream that a raw frame belongs to."""
    event, symbol = fields.get("e"), fields.get("s")
    if event is None and {"s", "b", "B", "a", "A"} <= fields.keys():
        event = "bookTicker"
    if event is None and "lastUpdateId" in fields:
        return "depth snapshot"
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
