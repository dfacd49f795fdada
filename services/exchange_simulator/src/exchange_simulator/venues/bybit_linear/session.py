"""One connection to the perpetuals, with topics that spot markets do not have."""

from __future__ import annotations

from collections.abc import Iterator

from exchange_simulator.market.context import told_at
from exchange_simulator.serving.view import Channel
from exchange_simulator.venues.bybit.session import BybitSession
from exchange_simulator.venues.bybit_linear import frames

TICKER_US = 100_000
TICKERS, LIQUIDATIONS = "tickers", "allLiquidation"


class LinearSession(BybitSession):
    """What one connection is subscribed to."""

    def channel_of(self, name: str) -> Channel | None:
        """Return the channel of a topic, None where there is none."""
        topic, _, symbol = name.partition(".")
        if topic in (TICKERS, LIQUIDATIONS) and symbol in self.exchange.markets:
            return Channel(name, symbol, "context", topic)
        return super().channel_of(name)

    def beginning(self, channel: Channel) -> Iterator[str]:
        """Yield what is said of a channel at once."""
        if channel.kind != "context":
            yield from super().beginning(channel)
        elif channel.detail == TICKERS:
            market, now_us = self.exchange.markets[channel.wire_symbol], self.exchange.now_us()
            told = told_at(market.tape, now_us // TICKER_US * TICKER_US)
            if told is not None:
                yield frames.ticker_frame(market, told).decode()
