"""One connection to Binance's market streams: what it is subscribed to, as a view."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Self

from aiohttp import web

from exchange_simulator.serving.exchange import Exchange
from exchange_simulator.serving.klines import INTERVALS_US
from exchange_simulator.serving.view import Channel, View
from exchange_simulator.venues.binance.query import ApiError
from exchange_simulator.venues.binance.subscriptions import Subscriptions
from exchanges.binance.wire import MOST_STREAMS

_DEPTH = re.compile(r"depth(5|10|20)?(?:@(100|250|500|1000)ms)?")
_REFUSED = {"code": 2, "msg": "Invalid request: subscriptions are refused at the moment"}


class BinanceSession:
    """A connection to `/ws`, `/ws/<stream>` or `/stream?streams=a/b`."""

    def __init__(self, exchange: Exchange, subscriptions: Subscriptions, *, microseconds: bool):
        self._exchange = exchange
        self._subscriptions = subscriptions
        self._microseconds = microseconds

    @classmethod
    def opened(cls, exchange: Exchange, request: web.Request) -> Self:
        """Return the session that a request opens; raises ApiError for a bad one."""
        is_combined = request.path.endswith("/stream")
        where = request.query if is_combined else request.match_info
        named = where.get("streams", "")
        names = [name for name in named.split("/") if name]
        unit = request.query.get("timeUnit", "MILLISECOND").upper()
        if unit not in ("MILLISECOND", "MICROSECOND"):
            expected = "expected either MICROSECOND or MILLISECOND"
            raise ApiError(-1194, f"Invalid value for time unit; {expected}.")
        if len(names) > MOST_STREAMS:
            raise ApiError(-1191, f"Too many subscriptions; {MOST_STREAMS} at most.")
        subscriptions = Subscriptions(names, combined=is_combined)
        return cls(exchange, subscriptions, microseconds=unit == "MICROSECOND")

    def view(self) -> View:
        """Return the streams that exist."""
        channels = (self._channel(name) for name in self._subscriptions.streams)
        return View(
            frozenset(channel for channel in channels if channel is not None),
            self._subscriptions.combined,
            self._microseconds,
        )

    def greeting(self) -> Sequence[str]:
        """Say nothing."""
        return ()

    def handle(self, text: str) -> Sequence[str]:
        """Take one control message and return the answer."""
        return (self._subscriptions.handle(text),)

    def refusal(self, text: str) -> str | None:
        """Return the error that refuses a SUBSCRIBE."""
        try:
            request = json.loads(text)
        except ValueError:
            return None
        if not isinstance(request, dict) or request.get("method") != "SUBSCRIBE":
            return None
        return json.dumps({"error": _REFUSED, "id": request.get("id")}, separators=(",", ":"))

    def _channel(self, name: str) -> Channel | None:
        """Return the channel of a name, None where there is none: lowercase up to the `@`."""
        symbol, _, kind = name.partition("@")
        wire_symbol = symbol.upper()
        if symbol != symbol.lower() or wire_symbol not in self._exchange.markets:
            return None
        return self.channel_of(name, wire_symbol, kind)

    def channel_of(self, name: str, wire_symbol: str, kind: str) -> Channel | None:
        """Return the channel of a market, None where it has no such channel."""
        if kind in ("trade", "aggTrade"):
            return Channel(name, wire_symbol, "trades", kind)
        if kind == "bookTicker":
            return Channel(name, wire_symbol, "quotes")
        if kind.startswith("kline_") and kind.removeprefix("kline_") in INTERVALS_US:
            return Channel(name, wire_symbol, "klines", kind.removeprefix("kline_"))
        if _DEPTH.fullmatch(kind):
            return Channel(name, wire_symbol, "book", kind)
        return None


def depth_stream(detail: str, usual_ms: int) -> tuple[int | None, int]:
    """Return the levels of a depth stream, None for one of changes, and its pace in µs."""
    found = _DEPTH.fullmatch(detail)
    if found is None:
        raise ValueError(f"{detail!r} is no depth stream")
    levels, every_ms = found.groups()
    return int(levels) if levels else None, int(every_ms or usual_ms) * 1_000
