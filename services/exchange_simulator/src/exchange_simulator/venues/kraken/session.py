"""One connection to Kraken's WebSocket v2: each symbol of a request is answered by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from exchange_simulator.market.depth import depth_at
from exchange_simulator.market.history import latest_trades
from exchange_simulator.serving.markets import Market
from exchange_simulator.serving.rows import quote_rows, trade_rows
from exchange_simulator.serving.session import ChannelSession, dump, request_of
from exchange_simulator.serving.times import iso_now
from exchange_simulator.serving.view import Channel, Kind
from exchange_simulator.venues.kraken import frames
from exchanges.kraken import wire

BOOK_EVERY_US = 50_000

_KINDS: dict[str, Kind] = {"trade": "trades", "ticker": "quotes", "book": "book"}
_TRADES_BEFORE = 50
_HEARTBEAT = "heartbeat"
_STATUS = {
    "channel": "status",
    "type": "update",
    "data": [
        {
            "api_version": "v2",
            "connection_id": 13834774380200032777,
            "system": "online",
            "version": "2.0.10",
        }
    ],
}


class KrakenSession(ChannelSession):
    """What one connection is subscribed to; with the first channel heartbeats begin."""

    def greeting(self) -> Sequence[str]:
        """Say that the exchange is online."""
        return (dump(_STATUS),)

    def handle(self, text: str) -> Sequence[str]:
        """Take a request and return the answers, each with its snapshot behind it."""
        request = request_of(text)
        method, params = request.get("method"), request.get("params")
        if method == "ping":
            return (self._answer(request, "pong", {}),)
        if method not in ("subscribe", "unsubscribe") or not isinstance(params, dict):
            return (self._answer(request, "error", {"error": "Malformed request"}),)
        symbols = params.get("symbol")
        if params.get("channel") not in _KINDS or not isinstance(symbols, list):
            return (self._refused(request, "Channel not supported"),)
        return [
            answer for symbol in symbols for answer in self._of_symbol(request, params, str(symbol))
        ]

    def refusal(self, text: str) -> str | None:
        """Return the error that refuses a subscription."""
        request = request_of(text)
        if request.get("method") != "subscribe":
            return None
        return self._refused(request, "Subscriptions are refused at the moment")

    def _of_symbol(
        self, request: dict[str, Any], params: dict[str, Any], symbol: str
    ) -> Iterator[str]:
        market = self.exchange.markets.get(symbol)
        if market is None:
            yield self._refused(request, f"Currency pair not supported {symbol}", symbol=symbol)
            return
        channel = str(params["channel"])
        detail = {"book": str(params.get("depth", 10)), "ticker": params.get("event_trigger")}
        if channel == "book" and params.get("depth", 10) not in wire.DEPTHS:
            yield self._refused(request, "Subscription depth not supported", symbol=symbol)
            return
        name = f"{channel} {symbol}"
        is_wanted = request["method"] == "subscribe"
        result = {"channel": channel, "symbol": symbol, "snapshot": params.get("snapshot", True)}
        yield self._answer(request, request["method"], {"result": result, "success": True})
        if not is_wanted:
            self.channels.pop(name, None)
            return
        kind = _KINDS[channel]
        self.channels[name] = Channel(name, symbol, kind, str(detail.get(channel) or "trades"))
        self.channels.setdefault(_HEARTBEAT, Channel(_HEARTBEAT, symbol, "alive"))
        if params.get("snapshot", channel != "trade"):
            yield from self._snapshot(self.channels[name], market)

    def _snapshot(self, channel: Channel, market: Market) -> Iterator[str]:
        now_us, tape = self.exchange.now_us(), market.tape
        if channel.kind == "trades":
            trades = latest_trades(tape, _TRADES_BEFORE, now_us, market.since_us)
            rows = trade_rows(market, trades)
            yield frames.trades_frame(channel.wire_symbol, rows, "snapshot").decode()
        elif channel.kind == "quotes":
            for quote in quote_rows(market, tape.quote_at(now_us - 1)):
                yield frames.quote_frame(channel.wire_symbol, quote, "snapshot").decode()
        else:
            shown_us = now_us // BOOK_EVERY_US * BOOK_EVERY_US
            depth = depth_at(tape, shown_us, int(channel.detail))
            if depth is not None:
                yield frames.book_frame(market, depth).decode()

    def _refused(self, request: dict[str, Any], error: str, **fields: object) -> str:
        body = {"error": error, "success": False, **fields}
        return self._answer(request, request.get("method"), body)

    @staticmethod
    def _answer(request: dict[str, Any], method: object, fields: dict[str, object]) -> str:
        echo = {"req_id": request["req_id"]} if "req_id" in request else {}
        times = {"time_in": iso_now(), "time_out": iso_now()}
        return dump({"method": method, **fields, **times, **echo})
