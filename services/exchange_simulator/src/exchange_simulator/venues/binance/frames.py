"""The frames of Binance's market streams as bytes: exact decimals, the real order of the keys.

Times are in ms, or in µs where `microseconds` is asked for, as the connection's `timeUnit` says.
"""

from __future__ import annotations

from collections.abc import Callable

from exchange_simulator.market.depth import Depth, Levels
from exchange_simulator.market.tape import Integers, QuoteColumns, TradeColumns
from exchange_simulator.serving.decimals import decimal_text, exact_text
from exchange_simulator.serving.klines import Kline

_JSON = {True: "true", False: "false"}


class MarketFrames:
    """The frames of one market, written `BTCUSDT` on the wire."""

    def __init__(self, wire_symbol: str, price_decimals: int, quantity_decimals: int) -> None:
        self._symbol = wire_symbol
        self._price_decimals = price_decimals
        self._quantity_decimals = quantity_decimals

    def trades(self, trades: TradeColumns, *, microseconds: bool = False) -> list[bytes]:
        """Return a `trade` frame for each trade; the event time is the trade's."""
        symbol = self._symbol
        return [
            f'{{"e":"trade","E":{time},"s":"{symbol}","t":{id_},"p":"{price}","q":"{quantity}",'
            f'"T":{time},"m":{maker},"M":true}}'.encode()
            for id_, time, price, quantity, maker in self._rows(trades, microseconds=microseconds)
        ]

    def aggregate_trades(self, trades: TradeColumns, *, microseconds: bool = False) -> list[bytes]:
        """Return an `aggTrade` frame for each trade: every one is its own aggregate."""
        symbol = self._symbol
        return [
            f'{{"e":"aggTrade","E":{time},"s":"{symbol}","a":{id_},"p":"{price}","q":"{quantity}",'
            f'"f":{id_},"l":{id_},"T":{time},"m":{maker},"M":true}}'.encode()
            for id_, time, price, quantity, maker in self._rows(trades, microseconds=microseconds)
        ]

    def rest_trades(self, trades: TradeColumns, *, microseconds: bool = False) -> bytes:
        """Return the body of `/api/v3/aggTrades`."""
        rows = ",".join(
            f'{{"a":{id_},"p":"{price}","q":"{quantity}","f":{id_},"l":{id_},"T":{time},'
            f'"m":{maker},"M":true}}'
            for id_, time, price, quantity, maker in self._rows(trades, microseconds=microseconds)
        )
        return f"[{rows}]".encode()

    def quotes(self, quotes: QuoteColumns) -> list[bytes]:
        """Return a `bookTicker` frame for each quote; Binance spot gives them no time."""
        symbol = self._symbol
        price, size = self._price_text(), self._quantity_text()
        return [
            f'{{"u":{update_id},"s":"{symbol}","b":"{price(bid)}","B":"{size(bid_quantity)}",'
            f'"a":"{price(ask)}","A":"{size(ask_quantity)}"}}'.encode()
            for update_id, _, bid, bid_quantity, ask, ask_quantity, _ in zip(
                *(column.tolist() for column in quotes), strict=True
            )
        ]

    def rest_quote(self, quotes: QuoteColumns) -> bytes:
        """Return one row of `/api/v3/ticker/bookTicker`: of the last quote, zeros without one."""
        price, size = self._price_text(), self._quantity_text()
        _, _, bid, bid_size, ask, ask_size, _ = (
            int(column[-1]) if len(column) else 0 for column in quotes
        )
        return (
            f'{{"symbol":"{self._symbol}","bidPrice":"{price(bid)}","bidQty":"{size(bid_size)}",'
            f'"askPrice":"{price(ask)}","askQty":"{size(ask_size)}"}}'
        ).encode()

    def partial_depth(self, before: Depth, depth: Depth) -> bytes:
        """Return a frame of the best levels, which in spot markets names no symbol."""
        del before
        return self.rest_depth(depth)

    def rest_depth(self, depth: Depth) -> bytes:
        """Return the body of `/api/v3/depth`."""
        return (
            f'{{"lastUpdateId":{depth.update_id},"bids":{self.levels(depth.bids)},'
            f'"asks":{self.levels(depth.asks)}}}'
        ).encode()

    def depth_update(self, before: Depth, changed: Depth) -> bytes:
        """Return a `depthUpdate` frame of all that changed since a book."""
        return (
            f'{{"e":"depthUpdate","E":{changed.time_us // 1_000},"s":"{self._symbol}",'
            f'"U":{before.update_id + 1},"u":{changed.update_id},'
            f'"b":{self.levels(changed.bids)},"a":{self.levels(changed.asks)}}}'
        ).encode()

    def levels(self, levels: Levels) -> str:
        """Return one side of a book in JSON."""
        price, size = self._price_text(), self._quantity_text()
        return f"[{','.join(f'["{price(ticks)}","{size(lots)}"]' for ticks, lots in levels)}]"

    def kline(
        self,
        kline: Kline,
        interval: str,
        event_us: int,
        *,
        closed: bool,
        microseconds: bool = False,
    ) -> bytes:
        """Return a `kline` frame; one without trades has -1 as first and last trade id."""
        price, size, quote = self._price_text(), self._quantity_text(), self._quote_text()
        unit = 1 if microseconds else 1_000
        return (
            f'{{"e":"kline","E":{event_us // unit},"s":"{self._symbol}","k":{{'
            f'"t":{kline.open_us // unit},"T":{(kline.end_us - 1) // unit},"s":"{self._symbol}",'
            f'"i":"{interval}","f":{kline.first_id},"L":{kline.last_id},"o":"{price(kline.open)}",'
            f'"c":"{price(kline.close)}","h":"{price(kline.high)}","l":"{price(kline.low)}",'
            f'"v":"{size(kline.volume)}","n":{kline.trade_count},"x":{_JSON[closed]},'
            f'"q":"{quote(kline.quote_volume)}","V":"{size(kline.taker_buy_volume)}",'
            f'"Q":"{quote(kline.taker_buy_quote_volume)}","B":"0"}}}}'
        ).encode()

    def rest_klines(self, klines: list[Kline], *, microseconds: bool = False) -> bytes:
        """Return the body of `/api/v3/klines`: twelve fields a row."""
        price, size, quote = self._price_text(), self._quantity_text(), self._quote_text()
        unit = 1 if microseconds else 1_000
        rows = ",".join(
            f'[{k.open_us // unit},"{price(k.open)}","{price(k.high)}","{price(k.low)}",'
            f'"{price(k.close)}","{size(k.volume)}",{(k.end_us - 1) // unit},'
            f'"{quote(k.quote_volume)}",{k.trade_count},"{size(k.taker_buy_volume)}",'
            f'"{quote(k.taker_buy_quote_volume)}","0"]'
            for k in klines
        )
        return f"[{rows}]".encode()

    def _rows(
        self, trades: TradeColumns, *, microseconds: bool
    ) -> list[tuple[int, int, str, str, str]]:
        """Return id, time, price, quantity and maker of each trade, as they go into a frame."""
        price_decimals, quantity_decimals = self._price_decimals, self._quantity_decimals
        times: Integers = trades.time_us if microseconds else trades.time_us // 1_000
        return [
            (
                id_,
                time,
                decimal_text(price, price_decimals),
                decimal_text(quantity, quantity_decimals),
                _JSON[maker],
            )
            for id_, time, price, quantity, maker in zip(
                trades.id.tolist(),
                times.tolist(),
                trades.price.tolist(),
                trades.quantity.tolist(),
                trades.buyer_is_maker.tolist(),
                strict=True,
            )
        ]

    def _price_text(self) -> Callable[[int], str]:
        return lambda units: decimal_text(units, self._price_decimals)

    def _quantity_text(self) -> Callable[[int], str]:
        return lambda units: decimal_text(units, self._quantity_decimals)

    def _quote_text(self) -> Callable[[int], str]:
        decimals = self._price_decimals + self._quantity_decimals
        return lambda units: exact_text(units, decimals)


def combined(stream: str, frame: bytes) -> bytes:
    """Return a frame wrapped as the combined endpoint does."""
    return b'{"stream":"' + stream.encode() + b'","data":' + frame + b"}"
