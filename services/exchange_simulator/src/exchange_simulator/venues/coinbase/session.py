"""One connection to Coinbase's feed: one answer that lists all it is subscribed to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from exchange_simulator.market.depth import depth_at
from exchange_simulator.market.history import latest_trades
from exchange_simulator.serving.markets import Market
from exchange_simulator.serving.rows import quote_rows, trade_rows
from exchange_simulator.serving.session import ChannelSession, dump, request_of
from exchange_simulator.serving.view import Channel, Kind
from exchange_simulator.venues.coinbase import frames

BOOK_EVERY_US = 50_000
BOOK_LEVELS = 50

_KINDS: dict[str, Kind] = {
    "matches": "trades",
    "ticker": "quotes",
    "heartbeat": "alive",
    "level2_batch": "book",
}


class CoinbaseSession(ChannelSession):
    """What one connection is subscribed to."""

    def handle(self, text: str) -> Sequence[str]:
        """Take a request; return the subscriptions there are then, and how what is new begins."""
        request = request_of(text)
        if request.get("type") not in ("subscribe", "unsubscribe"):
            return (_refused("Malformed JSON" if not request else "Type not supported"),)
        wanted = list(_wanted(request))
        for name, product in wanted:
            if name not in _KINDS:
                return (_refused(f"{name} is not a valid channel"),)
            if product not in self.exchange.markets:
                return (_refused(f"{product} is not a valid product"),)
        if not wanted:
            return (_refused("no product_ids or channels"),)
        new: list[Channel] = []
        for name, product in wanted:
            channel = Channel(f"{name} {product}", product, _KINDS[name])
            if request["type"] == "unsubscribe":
                self.channels.pop(channel.name, None)
            elif channel.name not in self.channels:
                self.channels[channel.name] = channel
                new.append(channel)
        beginnings = (said for channel in new for said in self._beginning(channel))
        return (self._subscriptions(), *beginnings)

    def refusal(self, text: str) -> str | None:
        """Return the error that refuses a subscription."""
        if request_of(text).get("type") != "subscribe":
            return None
        return _refused("subscriptions are refused at the moment")

    def _subscriptions(self) -> str:
        products: defaultdict[str, list[str]] = defaultdict(list)
        for channel in self.channels.values():
            products[channel.name.partition(" ")[0]].append(channel.wire_symbol)
        channels = [{"name": name, "product_ids": ids} for name, ids in products.items()]
        return dump({"type": "subscriptions", "channels": channels})

    def _beginning(self, channel: Channel) -> Iterator[str]:
        market = self.exchange.markets[channel.wire_symbol]
        now_us = self.exchange.now_us()
        if channel.kind == "book":
            shown_us = now_us // BOOK_EVERY_US * BOOK_EVERY_US
            depth = depth_at(market.tape, shown_us, BOOK_LEVELS)
            if depth is not None:
                yield frames.snapshot_frame(market, depth).decode()
        elif channel.kind in ("trades", "quotes"):
            yield from self._last(channel, market, now_us)

    @staticmethod
    def _last(channel: Channel, market: Market, now_us: int) -> Iterator[str]:
        trades = latest_trades(market.tape, 1, now_us, market.since_us)
        for trade in trade_rows(market, trades):
            if channel.kind == "trades":
                yield frames.match_frame(channel.wire_symbol, trade, "last_match").decode()
                return
            for quote in quote_rows(market, market.tape.quote_at(trade.time_us)):
                yield frames.ticker_frame(channel.wire_symbol, trade, quote).decode()


def _wanted(request: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield channels with products; a channel may name its own."""
    for channel in request.get("channels") or ():
        named = channel if isinstance(channel, dict) else {"name": channel}
        for product in named.get("product_ids") or request.get("product_ids") or ():
            yield str(named.get("name")), str(product)


def _refused(reason: str) -> str:
    return dump({"type": "error", "message": "Failed to subscribe", "reason": reason})
