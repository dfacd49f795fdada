"""The frames of perpetuals where they differ from those of spot markets: more times, and `X`."""

from __future__ import annotations

from exchange_simulator.market.context import Liquidation, Told
from exchange_simulator.market.depth import Depth
from exchange_simulator.market.tape import QuoteColumns, TradeColumns
from exchange_simulator.venues.binance.frames import MarketFrames


class UsdmFrames(MarketFrames):
    """The frames of one perpetual, written `BTCUSDT` on the wire."""

    def trades(self, trades: TradeColumns, *, microseconds: bool = False) -> list[bytes]:
        """Return a `trade` frame for each trade, all of them of the market."""
        symbol = self._symbol
        return [
            f'{{"e":"trade","E":{time},"T":{time},"s":"{symbol}","t":{id_},"p":"{price}",'
            f'"q":"{quantity}","X":"MARKET","m":{maker}}}'.encode()
            for id_, time, price, quantity, maker in self._rows(trades, microseconds=microseconds)
        ]

    def aggregate_trades(self, trades: TradeColumns, *, microseconds: bool = False) -> list[bytes]:
        """Return an `aggTrade` frame for each trade: every one is its own aggregate."""
        symbol = self._symbol
        return [
            f'{{"e":"aggTrade","E":{time},"a":{id_},"s":"{symbol}","p":"{price}","q":"{quantity}",'
            f'"f":{id_},"l":{id_},"T":{time},"m":{maker}}}'.encode()
            for id_, time, price, quantity, maker in self._rows(trades, microseconds=microseconds)
        ]

    def rest_trades(self, trades: TradeColumns, *, microseconds: bool = False) -> bytes:
        """Return the body of `/fapi/v1/aggTrades`."""
        rows = ",".join(
            f'{{"a":{id_},"p":"{price}","q":"{quantity}","f":{id_},"l":{id_},"T":{time},'
            f'"m":{maker}}}'
            for id_, time, price, quantity, maker in self._rows(trades, microseconds=microseconds)
        )
        return f"[{rows}]".encode()

    def quotes(self, quotes: QuoteColumns) -> list[bytes]:
        """Return a `bookTicker` frame for each quote, with its time."""
        symbol = self._symbol
        price, size = self._price_text(), self._quantity_text()
        return [
            f'{{"e":"bookTicker","u":{update_id},"s":"{symbol}","b":"{price(bid)}",'
            f'"B":"{size(bid_quantity)}","a":"{price(ask)}","A":"{size(ask_quantity)}",'
            f'"T":{time_us // 1_000},"E":{time_us // 1_000}}}'.encode()
            for update_id, time_us, bid, bid_quantity, ask, ask_quantity, _ in zip(
                *(column.tolist() for column in quotes), strict=True
            )
        ]

    def partial_depth(self, before: Depth, depth: Depth) -> bytes:
        """Return a `depthUpdate` frame of the best levels."""
        return self.depth_update(before, depth)

    def depth_update(self, before: Depth, changed: Depth) -> bytes:
        """Return a `depthUpdate` frame of all that changed since a book."""
        time_ms = changed.time_us // 1_000
        return (
            f'{{"e":"depthUpdate","E":{time_ms},"T":{time_ms},"s":"{self._symbol}",'
            f'"U":{before.update_id + 1},"u":{changed.update_id},"pu":{before.update_id},'
            f'"b":{self.levels(changed.bids)},"a":{self.levels(changed.asks)}}}'
        ).encode()

    def rest_depth(self, depth: Depth) -> bytes:
        """Return the body of `/fapi/v1/depth`."""
        time_ms = depth.time_us // 1_000
        return (
            f'{{"lastUpdateId":{depth.update_id},"E":{time_ms},"T":{time_ms},'
            f'"bids":{self.levels(depth.bids)},"asks":{self.levels(depth.asks)}}}'
        ).encode()

    def mark_price(self, told: Told) -> bytes:
        """Return a `markPriceUpdate` frame."""
        return (
            f'{{"e":"markPriceUpdate","E":{told.time_us // 1_000},"s":"{self._symbol}",'
            f'"p":"{told.mark:.8f}","i":"{told.spot:.8f}","P":"{told.mark:.8f}",'
            f'"r":"{told.rate:.8f}","T":{told.next_funding_us // 1_000}}}'
        ).encode()

    def forced_order(self, one: Liquidation) -> bytes:
        """Return a `forceOrder` frame."""
        time_ms, price = one.time_us // 1_000, self._price_text()(one.ticks)
        size = self._quantity_text()(one.lots)
        return (
            f'{{"e":"forceOrder","E":{time_ms},"o":{{"s":"{self._symbol}",'
            f'"S":"{"BUY" if one.buys else "SELL"}","o":"LIMIT","f":"IOC","q":"{size}",'
            f'"p":"{price}","ap":"{price}","X":"FILLED","l":"{size}","z":"{size}","T":{time_ms},'
            f'"ps":"{self._symbol}","st":1}}}}'
        ).encode()

    def open_interest(self, told: Told) -> bytes:
        """Return the body of `/fapi/v1/openInterest`."""
        return (
            f'{{"openInterest":"{self._quantity_text()(told.open_lots)}",'
            f'"symbol":"{self._symbol}","time":{told.time_us // 1_000}}}'
        ).encode()
