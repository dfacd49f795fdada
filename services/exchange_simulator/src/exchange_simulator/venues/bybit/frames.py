"""The frames of Bybit's topics: trades of one millisecond come in one, ids by the kind of market.

https://bybit-exchange.github.io/docs/v5/websocket/public/trade and …/orderbook
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from exchange_simulator.market.depth import Depth, Levels, changes
from exchange_simulator.serving.markets import Market
from exchange_simulator.serving.rows import QuoteRow, TradeRow

type TradeId = Callable[[str, int], str]


def trades_frame(symbol: str, trades: Iterable[TradeRow], trade_id: TradeId) -> bytes:
    """Return a frame of `publicTrade`; `S` is the taker's side."""
    sent_ms, rows = 0, []
    for trade in trades:
        sent_ms = trade.time_us // 1_000
        rows.append(
            f'{{"T":{sent_ms},"s":"{symbol}","S":"{"Buy" if trade.buys else "Sell"}",'
            f'"v":"{trade.quantity}","p":"{trade.price}","i":"{trade_id(symbol, trade.id)}",'
            f'"BT":false,"seq":{trade.sequence}}}'
        )
    return (
        f'{{"topic":"publicTrade.{symbol}","type":"snapshot","ts":{sent_ms},'
        f'"data":[{",".join(rows)}]}}'
    ).encode()


def quote_frame(symbol: str, quote: QuoteRow) -> bytes:
    """Return a frame of `orderbook.1`, which is whole each time."""
    return _book(
        symbol, 1, "snapshot", f'["{quote.bid}","{quote.bid_quantity}"]',
        f'["{quote.ask}","{quote.ask_quantity}"]', quote.update_id, quote.sequence, quote.time_us,
    )  # fmt: skip


def book_frame(
    market: Market, levels: int, number: int, depth: Depth, before: Depth | None = None
) -> bytes:
    """Return a frame of a book: what changed since `before`, all where that is None."""
    bids, asks = depth.bids, depth.asks
    if before is not None:
        bids, asks = changes(before.bids, bids), changes(before.asks, asks)
    kind = "snapshot" if before is None else "delta"
    return _book(
        market.wire_symbol, levels, kind, _levels(market, bids), _levels(market, asks), number,
        depth.update_id, depth.time_us,
    )  # fmt: skip


def rest_book(market: Market, depth: Depth) -> str:
    """Return the result of `/v5/market/orderbook`."""
    time_ms = depth.time_us // 1_000
    return (
        f'{{"s":"{market.wire_symbol}","b":[{_levels(market, depth.bids)}],'
        f'"a":[{_levels(market, depth.asks)}],"ts":{time_ms},"u":{depth.update_id},'
        f'"seq":{depth.update_id},"cts":{time_ms}}}'
    )


def _book(
    symbol: str, levels: int, kind: str, bids: str, asks: str, number: int, sequence: int,
    time_us: int,
) -> bytes:  # fmt: skip
    time_ms = time_us // 1_000
    return (
        f'{{"topic":"orderbook.{levels}.{symbol}","type":"{kind}","ts":{time_ms},'
        f'"data":{{"s":"{symbol}","b":[{bids}],"a":[{asks}],"u":{number},"seq":{sequence}}},'
        f'"cts":{time_ms}}}'
    ).encode()


def _levels(market: Market, levels: Levels) -> str:
    return ",".join(f'["{market.price(p)}","{_size(market, q)}"]' for p, q in levels)


def _size(market: Market, lots: int) -> str:
    return market.quantity(lots) if lots else "0"
