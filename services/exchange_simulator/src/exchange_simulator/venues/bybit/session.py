"""One connection to Bybit's public WebSocket: topics by name, and pings in JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from exchange_simulator.market.depth import depth_at
from exchange_simulator.serving.rows import quote_rows
from exchange_simulator.serving.session import ChannelSession, dump, request_of
from exchange_simulator.serving.view import Channel
from exchange_simulator.venues.bybit import frames
from exchanges.bybit import wire

BOOK_EVERY_US = 100_000

_TOPIC = re.compile(r"(publicTrade|orderbook\.(\d+))\.(.+)")
_DEPTHS = ("1", *map(str, wire.DEPTHS))
_CONNECTION = "cejreaspqfm9se7usbrg-2xh"


class BybitSession(ChannelSession):
    """What one connection is subscribed to."""

    def handle(self, text: str) -> Sequence[str]:
        """Take a request; return the answer, and the books that were asked for."""
        request = request_of(text)
        op, names = request.get("op"), request.get("args")
        if op == "ping":
            return (self._answer(request, success=True, message="pong"),)
        if op not in ("subscribe", "unsubscribe") or not isinstance(names, list):
            return (self._answer(request, success=False, message="Params Error"),)
        if len(names) > wire.TOPICS_A_REQUEST:
            return (
                self._answer(request, success=False, message=f"args size >{wire.TOPICS_A_REQUEST}"),
            )
        channels = [self.channel_of(str(name)) for name in names]
        for name, channel in zip(names, channels, strict=True):
            if channel is None:
                message = f"error:handler not found,topic:{name}"
                return (self._answer(request, success=False, message=message),)
        return (
            self._answer(request, success=True, message=""),
            *(said for one in channels if one is not None for said in self._changed(op, one)),
        )

    def refusal(self, text: str) -> str | None:
        """Return the error that refuses a subscription."""
        request = request_of(text)
        if request.get("op") != "subscribe":
            return None
        message = "subscriptions are refused at the moment"
        return self._answer(request, success=False, message=message)

    def channel_of(self, name: str) -> Channel | None:
        """Return the channel of a topic, None where there is none."""
        found = _TOPIC.fullmatch(name)
        if found is None or found[3] not in self.exchange.markets:
            return None
        if found[2] is None:
            return Channel(name, found[3], "trades")
        if found[2] not in _DEPTHS:
            return None
        return Channel(name, found[3], "quotes" if found[2] == "1" else "book", found[2])

    def _changed(self, op: object, channel: Channel) -> Iterator[str]:
        if op == "unsubscribe":
            self.channels.pop(channel.name, None)
            return
        self.channels[channel.name] = channel
        yield from self.beginning(channel)

    def beginning(self, channel: Channel) -> Iterator[str]:
        """Yield what is said of a channel at once."""
        market, now_us = self.exchange.markets[channel.wire_symbol], self.exchange.now_us()
        if channel.kind == "quotes":
            for quote in quote_rows(market, market.tape.quote_at(now_us - 1)):
                yield frames.quote_frame(channel.wire_symbol, quote).decode()
        elif channel.kind == "book":
            number = now_us // BOOK_EVERY_US
            depth = depth_at(market.tape, number * BOOK_EVERY_US, int(channel.detail))
            if depth is not None:
                yield frames.book_frame(market, int(channel.detail), number, depth).decode()

    @staticmethod
    def _answer(request: dict[str, Any], *, success: bool, message: str) -> str:
        return dump(
            {
                "success": success,
                "ret_msg": message,
                "conn_id": _CONNECTION,
                "req_id": request.get("req_id", ""),
                "op": request.get("op", ""),
            }
        )
