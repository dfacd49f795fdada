"""The frames of OKX's channels: all numbers are texts, a trade is one fill.

https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-trades-channel and
…-ws-order-book-channel
"""

from __future__ import annotations

from exchange_simulator.market.depth import Depth, Levels, changes
from exchange_simulator.serving.markets import Market
from exchange_simulator.serving.rows import TradeRow
from exchange_simulator.venues.okx.sizes import Sizes


def trade_frame(channel: str, market: Market, trade: TradeRow, size: str) -> bytes:
    """Return a frame of `trades`; `side` is the taker's."""
    instrument = market.wire_symbol
    return (
        f'{{"arg":{{"channel":"{channel}","instId":"{instrument}"}},"data":[{{'
        f'"instId":"{instrument}","tradeId":"{trade.id}","px":"{trade.price}","sz":"{size}",'
        f'"side":"{"buy" if trade.buys else "sell"}","ts":"{trade.time_us // 1_000}",'
        f'"count":"1","source":"0"}}]}}'
    ).encode()


def book_frame(
    channel: str, market: Market, sizes: Sizes, depth: Depth, number: int, action: str = ""
) -> bytes:
    """Return a whole book, as `bbo-tbt` and `books5` send it, or the snapshot of `books`."""
    return _book(channel, market, sizes, depth, (-1, number), action)


def update_frame(
    channel: str, market: Market, sizes: Sizes, before: Depth, depth: Depth, number: int
) -> bytes:
    """Return what changed in a book since the message before."""
    bids, asks = changes(before.bids, depth.bids), changes(before.asks, depth.asks)
    changed = depth._replace(bids=bids, asks=asks)
    return _book(channel, market, sizes, changed, (number - 1, number), "update")


def rest_book(market: Market, sizes: Sizes, depth: Depth) -> str:
    """Return the row of `/api/v5/market/books`."""
    return (
        f'{{"asks":[{_levels(market, sizes, depth.asks)}],'
        f'"bids":[{_levels(market, sizes, depth.bids)}],"ts":"{depth.time_us // 1_000}",'
        f'"seqId":{depth.update_id}}}'
    )


def _book(
    channel: str, market: Market, sizes: Sizes, depth: Depth, numbers: tuple[int, int], action: str
) -> bytes:
    said = f'"action":"{action}",' if action else ""
    # Checksums were given up: there is a 0 in their place.
    sums = f',"checksum":0,"prevSeqId":{numbers[0]}' if action else ""
    return (
        f'{{"arg":{{"channel":"{channel}","instId":"{market.wire_symbol}"}},{said}"data":[{{'
        f'"asks":[{_levels(market, sizes, depth.asks)}],'
        f'"bids":[{_levels(market, sizes, depth.bids)}],"ts":"{depth.time_us // 1_000}"'
        f'{sums},"seqId":{numbers[1]}}}]}}'
    ).encode()


def _levels(market: Market, sizes: Sizes, levels: Levels) -> str:
    return ",".join(
        f'["{market.price(p)}","{sizes.text(market, q) if q else "0"}","0","1"]' for p, q in levels
    )
