"""What the candles are made of: a seeded market's trades, as columns and as messages."""

from __future__ import annotations

from itertools import batched, starmap

import numpy as np

from exchange_simulator.market.seeded import SeededMarket
from marketstream.messages import Quote, Trade, Trades
from marketstream.readers.table import TradeTable
from marketstream.symbols import market_of

SYMBOL, MARKET = "BTC/USDT", "binance:BTC/USDT"
TRADES_PER_MESSAGE = 100
_START_US = 1_704_067_800_000_000  # ten minutes into 2024


class SeededTrades:
    """The first seconds of one market; its trades have consecutive ids and come in order."""

    def __init__(self, trades_per_second: float, seconds: float, symbol: str = SYMBOL) -> None:
        self._market = market_of("binance", symbol)
        self._tape = SeededMarket(symbol, 1, trades_per_second=trades_per_second)
        self._range_us = _START_US, _START_US + round(seconds * 1_000_000)
        self._trades = self._tape.trades(*self._range_us)

    def table(self) -> TradeTable:
        """Return the trades as columns."""
        trades = self._trades
        return TradeTable(
            time_us=trades.time_us,
            price=trades.price,
            quantity=trades.quantity,
            taker=np.where(trades.buyer_is_maker, -1, 1).astype(np.int8),
            count=np.ones(len(trades.id), np.int64),
            ids=trades.id,
            price_decimals=self._tape.price_decimals,
            quantity_decimals=self._tape.quantity_decimals,
            consecutive=True,
        )

    def messages(self) -> list[Trades]:
        """Return the trades as messages of 100, each with the newest quote as of its last trade."""
        trades = self._trades
        singles = starmap(
            Trade,
            zip(
                trades.id.tolist(),
                (trades.price / 10**self._tape.price_decimals).tolist(),
                (trades.quantity / 10**self._tape.quantity_decimals).tolist(),
                np.where(trades.buyer_is_maker, "sell", "buy").tolist(),
                trades.time_us.tolist(),
                strict=True,
            ),
        )
        quotes = self._quotes()
        newest = 0
        messages = []
        for some in batched(singles, TRADES_PER_MESSAGE):
            seen_until_us = some[-1].time_us
            while newest + 1 < len(quotes) and quotes[newest + 1].time_us <= seen_until_us:
                newest += 1
            messages.append(
                Trades(
                    self._market, some, quotes[newest], seen_until_us,
                    self._tape.price_decimals, self._tape.quantity_decimals,
                )
            )  # fmt: skip
        return messages

    def _quotes(self) -> list[Quote]:
        quotes = self._tape.quotes(*self._range_us)
        price_scale = 10**self._tape.price_decimals
        quantity_scale = 10**self._tape.quantity_decimals
        columns = (
            quotes.bid / price_scale,
            quotes.bid_quantity / quantity_scale,
            quotes.ask / price_scale,
            quotes.ask_quantity / quantity_scale,
            quotes.time_us,
        )
        return list(starmap(Quote, zip(*(column.tolist() for column in columns), strict=True)))
