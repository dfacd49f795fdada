"""The frames of Coinbase's channels: numbers are texts, and `side` is the maker's.

https://docs.cdp.coinbase.com/exchange/websocket-feed/channels
"""

from __future__ import annotations

from itertools import chain

from exchange_simulator.market.depth import Depth, Levels, changes
from exchange_simulator.serving.markets import Market
from exchange_simulator.serving.rows import QuoteRow, TradeRow
from exchange_simulator.serving.times import iso_text

_TAKER_ORDERS = 1 << 100  # apart from the makers'


def maker_side(trade: TradeRow) -> str:
    """Return the side of the order that was in the book."""
    return "sell" if trade.buys else "buy"


def match_frame(product: str, trade: TradeRow, kind: str = "match") -> bytes:
    """Return a `match`, or the `last_match` before a subscription."""
    return (
        f'{{"type":"{kind}","trade_id":{trade.id},"maker_order_id":"{_order_id(trade.id)}",'
        f'"taker_order_id":"{_order_id(_TAKER_ORDERS + trade.id)}","side":"{maker_side(trade)}",'
        f'"size":"{trade.quantity}","price":"{trade.price}","product_id":"{product}",'
        f'"sequence":{trade.sequence},"time":"{iso_text(trade.time_us)}"}}'
    ).encode()


def ticker_frame(product: str, trade: TradeRow, quote: QuoteRow) -> bytes:
    """Return a `ticker`, which comes with trades; here `side` is the taker's."""
    return (
        f'{{"type":"ticker","sequence":{trade.sequence},"product_id":"{product}",'
        f'"price":"{trade.price}","best_bid":"{quote.bid}","best_bid_size":"{quote.bid_quantity}",'
        f'"best_ask":"{quote.ask}","best_ask_size":"{quote.ask_quantity}",'
        f'"side":"{"buy" if trade.buys else "sell"}","time":"{iso_text(trade.time_us)}",'
        f'"trade_id":{trade.id},"last_size":"{trade.quantity}"}}'
    ).encode()


def heartbeat_frame(product: str, sequence: int, last_id: int, time_us: int) -> bytes:
    """Return a `heartbeat` with the newest trade."""
    return (
        f'{{"type":"heartbeat","sequence":{sequence},"last_trade_id":{last_id},'
        f'"product_id":"{product}","time":"{iso_text(time_us)}"}}'
    ).encode()


def snapshot_frame(market: Market, depth: Depth) -> bytes:
    """Return the `snapshot` that a book begins with."""
    bids, asks = (_levels(market, levels) for levels in (depth.bids, depth.asks))
    return (
        f'{{"type":"snapshot","product_id":"{market.wire_symbol}","bids":[{bids}],'
        f'"asks":[{asks}],"time":"{iso_text(depth.time_us)}"}}'
    ).encode()


def rest_book(market: Market, depth: Depth) -> str:
    """Return the body of `/products/…/book`; each level is said to be of one order."""
    bids, asks = (
        ",".join(f'["{market.price(p)}","{market.quantity(q)}",1]' for p, q in levels)
        for levels in (depth.bids, depth.asks)
    )
    return (
        f'{{"bids":[{bids}],"asks":[{asks}],"sequence":{depth.update_id},'
        f'"auction_mode":false,"auction":null,"time":"{iso_text(depth.time_us)}"}}'
    )


def update_frame(market: Market, before: Depth, depth: Depth) -> bytes:
    """Return the `l2update` of what changed."""
    sides = {"buy": changes(before.bids, depth.bids), "sell": changes(before.asks, depth.asks)}
    rows = chain.from_iterable(
        (f'["{side}","{market.price(p)}","{market.quantity(q)}"]' for p, q in levels)
        for side, levels in sides.items()
    )
    return (
        f'{{"type":"l2update","product_id":"{market.wire_symbol}","changes":[{",".join(rows)}],'
        f'"time":"{iso_text(depth.time_us)}"}}'
    ).encode()


def _order_id(number: int) -> str:
    """Return a number as a UUID is written."""
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _levels(market: Market, levels: Levels) -> str:
    return ",".join(f'["{market.price(p)}","{market.quantity(q)}"]' for p, q in levels)
