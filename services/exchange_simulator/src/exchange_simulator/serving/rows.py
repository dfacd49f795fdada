"""What many venues' frames are made of: trades one by one, and quotes as of trades."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from exchange_simulator.market.tape import QuoteColumns, TradeColumns
from exchange_simulator.serving.cut import MarketCut
from exchange_simulator.serving.markets import Market


class TradeRow(NamedTuple):
    """A trade in texts; `buys` is whether the taker does."""

    id: int
    time_us: int
    price: str
    quantity: str
    buys: bool
    sequence: int


class QuoteRow(NamedTuple):
    """Best bid and ask in texts."""

    update_id: int
    time_us: int
    bid: str
    bid_quantity: str
    ask: str
    ask_quantity: str
    sequence: int


def trade_rows(market: Market, trades: TradeColumns) -> Iterator[TradeRow]:
    """Yield trades as they are written."""
    price, quantity = market.price, market.quantity
    for id_, time_us, ticks, lots, sells, sequence in zip(
        *(column.tolist() for column in trades), strict=True
    ):
        yield TradeRow(id_, time_us, price(ticks), quantity(lots), not sells, sequence)


def quote_rows(market: Market, quotes: QuoteColumns) -> Iterator[QuoteRow]:
    """Yield quotes as they are written."""
    price, quantity = market.price, market.quantity
    for update_id, time_us, bid, bid_lots, ask, ask_lots, sequence in zip(
        *(column.tolist() for column in quotes), strict=True
    ):
        yield QuoteRow(
            update_id, time_us, price(bid), quantity(bid_lots), price(ask), quantity(ask_lots),
            sequence,
        )  # fmt: skip


def trades_with_quotes(cut: MarketCut) -> Iterator[tuple[TradeRow, QuoteRow]]:
    """Yield the trades of a cut, each with the quote as of it; not those before any quote."""
    before = cut.market.tape.quote_at(cut.from_us - 1)
    quotes = QuoteColumns._make(map(np.concatenate, zip(before, cut.quotes, strict=True)))
    newest = np.searchsorted(quotes.time_us, cut.trades.time_us, side="right") - 1
    rows = list(quote_rows(cut.market, quotes))
    for trade, at in zip(trade_rows(cut.market, cut.trades), newest.tolist(), strict=True):
        if at >= 0:
            yield trade, rows[at]
