"""The frames of Kraken's channels: numbers are JSON numbers with all decimals.

What `ticker` says of the last 24 hours is left out.
https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/trade, …/ticker, …/book
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from exchange_simulator.market.depth import Depth, Levels, changes
from exchange_simulator.serving.markets import Market
from exchange_simulator.serving.rows import QuoteRow, TradeRow
from exchange_simulator.serving.times import iso_text

HEARTBEAT = b'{"channel":"heartbeat"}'

_CHECKED_LEVELS = 10


def trades_frame(symbol: str, trades: Iterable[TradeRow], kind: str = "update") -> bytes:
    """Return a frame of `trade`; `side` is the taker's."""
    rows = ",".join(
        f'{{"symbol":"{symbol}","side":"{"buy" if trade.buys else "sell"}",'
        f'"price":{trade.price},"qty":{trade.quantity},"ord_type":"market",'
        f'"trade_id":{trade.id},"timestamp":"{iso_text(trade.time_us)}"}}'
        for trade in trades
    )
    return f'{{"channel":"trade","type":"{kind}","data":[{rows}]}}'.encode()


def quote_frame(symbol: str, quote: QuoteRow, kind: str = "update") -> bytes:
    """Return a frame of `ticker`."""
    return (
        f'{{"channel":"ticker","type":"{kind}","data":[{{"symbol":"{symbol}","bid":{quote.bid},'
        f'"bid_qty":{quote.bid_quantity},"ask":{quote.ask},"ask_qty":{quote.ask_quantity},'
        f'"timestamp":"{iso_text(quote.time_us)}"}}]}}'
    ).encode()


def book_frame(market: Market, depth: Depth, before: Depth | None = None) -> bytes:
    """Return a frame of `book`: what changed since `before`, all where that is None."""
    bids, asks = depth.bids, depth.asks
    if before is not None:
        bids, asks = changes(before.bids, bids), changes(before.asks, asks)
    kind = "snapshot" if before is None else "update"
    return (
        f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{market.wire_symbol}",'
        f'"bids":{_levels(market, bids)},"asks":{_levels(market, asks)},'
        f'"checksum":{checksum(market, depth)},"timestamp":"{iso_text(depth.time_us)}"}}]}}'
    ).encode()


def checksum(market: Market, depth: Depth) -> int:
    """Return the CRC32 of the digits of the best ten levels, asks first.

    https://docs.kraken.com/exchange/guides/websockets/book-checksum-v2
    """
    best = (*depth.asks[:_CHECKED_LEVELS], *depth.bids[:_CHECKED_LEVELS])
    texts = (f"{_digits(market.price(p))}{_digits(market.quantity(q))}" for p, q in best)
    return zlib.crc32("".join(texts).encode())


def _digits(number: str) -> str:
    return number.replace(".", "").lstrip("0")


def _levels(market: Market, levels: Levels) -> str:
    rows = (
        f'{{"price":{market.price(ticks)},"qty":{market.quantity(lots)}}}' for ticks, lots in levels
    )
    return f"[{','.join(rows)}]"
