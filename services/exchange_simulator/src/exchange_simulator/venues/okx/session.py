"""One connection to OKX's public WebSocket: channels by argument, and pings as bare text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from exchange_simulator.market.depth import depth_at
from exchange_simulator.serving.exchange import Exchange
from exchange_simulator.serving.session import ChannelSession, dump, request_of
from exchange_simulator.serving.view import Channel, Kind
from exchange_simulator.venues.okx import frames
from exchange_simulator.venues.okx.sizes import Sizes
from exchanges.okx import wire

BOOK_EVERY_US = 100_000
LEVELS = {"bbo-tbt": 1, "books5": wire.FEW_LEVELS, "books": wire.MOST_LEVELS}

_KINDS: dict[str, Kind] = {
    "trades": "trades",
    "trades-all": "trades",
    "bbo-tbt": "quotes",
    "books5": "book",
    "books": "book",
}
CONNECTION = {"connId": "a4d3ae55"}


class OkxSession(ChannelSession):
    """What one connection is subscribed to; each argument is answered by itself."""

    def __init__(self, exchange: Exchange, sizes: Sizes) -> None:
        super().__init__(exchange)
        self.sizes = sizes

    def handle(self, text: str) -> Sequence[str]:
        """Take a message; return the answers, each with the book that was asked for behind it."""
        if text == "ping":
            return ("pong",)
        request = request_of(text)
        op, args = request.get("op"), request.get("args")
        if op not in ("subscribe", "unsubscribe") or not isinstance(args, list):
            return (_error("60012", f"Invalid request: {text:.200}"),)
        return [
            said
            for arg in args
            for said in self.of_arg(str(op), arg if isinstance(arg, dict) else {})
        ]

    def refusal(self, text: str) -> str | None:
        """Return the error that refuses a subscription."""
        if request_of(text).get("op") != "subscribe":
            return None
        return _error("60014", "Requests too frequent")

    def of_arg(self, op: str, arg: dict[str, Any]) -> Iterator[str]:
        """Yield the answer to one argument, and the book that was asked for behind it."""
        channel, instrument = str(arg.get("channel")), str(arg.get("instId"))
        if channel not in _KINDS or instrument not in self.exchange.markets:
            what = f"channel:{channel:.50},instId:{instrument:.50}"
            yield _error("60018", f"Wrong URL or {what} doesn't exist. Please use the correct URL.")
            return
        one = Channel(f"{channel} {instrument}", instrument, _KINDS[channel], channel)
        yield dump({"event": op, "arg": arg, **CONNECTION})
        self.change(op, one)
        if op == "subscribe":
            yield from self._beginning(one)

    def change(self, op: str, one: Channel) -> None:
        """Subscribe to a channel, or give it up."""
        if op == "unsubscribe":
            self.channels.pop(one.name, None)
        else:
            self.channels[one.name] = one

    def _beginning(self, channel: Channel) -> Iterator[str]:
        if channel.kind == "trades":
            return
        market, now_us = self.exchange.markets[channel.wire_symbol], self.exchange.now_us()
        number = now_us // BOOK_EVERY_US
        shown_us = now_us if channel.kind == "quotes" else number * BOOK_EVERY_US
        depth = depth_at(market.tape, shown_us, LEVELS[channel.detail])
        if depth is not None:
            action = "snapshot" if channel.detail == "books" else ""
            number = depth.update_id if channel.kind == "quotes" else number
            frame = frames.book_frame(channel.detail, market, self.sizes, depth, number, action)
            yield frame.decode()


def _error(code: str, message: str) -> str:
    return dump({"event": "error", "code": code, "msg": message, **CONNECTION})
