"""What an indicator is, TA-Lib's or one's own: streamed and in batch, bit for bit the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from marketstream.columns import Floats
from marketstream.messages import Candle

COLUMNS = (
    "open", "high", "low", "close", "volume", "taker_buy_volume", "trade_count",
    "bid", "bid_quantity", "ask", "ask_quantity",
)  # fmt: skip
"""What is known of candles as columns; each is a field of `Candle` too."""
BASE_COLUMNS = (
    "open_time_ms", "close_time_ms", "quote_volume", "first_buy", "first_sell", "depth",
    "depth_time_us", "context",
)  # fmt: skip
"""What is known of base candles beside those, as in `CandleColumns`."""
OF_BASE = (*COLUMNS, *BASE_COLUMNS)
"""All that is known of them."""


class IndicatorStream(Protocol):
    """The live side of an indicator, fed with every closed candle of one market."""

    def update(self, candle: Candle) -> list[float | None]:
        """Fold a closed candle; return one value per name, None while warming up."""
        ...

    def open_on(self, candles: Collection[Candle]) -> None:
        """Begin anew after these candles."""
        ...

    def peek(self, candle: Candle) -> list[float | None]:
        """Return what `update` would say of a candle that is still forming, without folding it."""
        ...


class Batched(Protocol):
    """One or more features of candles, in columns.

    The first `lookback` candles have no value. What `digest` tells apart is another indicator, even
    where its names are the same; it is empty where the names say all.
    """

    names: tuple[str, ...]
    lookback: int
    digest: str

    def batch(self, columns: Mapping[str, Floats]) -> list[Floats]:
        """Return one series per name over whole columns of candles; NaN is what is not known."""
        ...


class Indicator(Batched, Protocol):
    """Features of the candles of the timeframe decided on, live too."""

    def stream(self) -> IndicatorStream:
        """Return a live side that has seen no candle yet."""
        ...
