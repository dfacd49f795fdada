"""What a market did in an interval, with the certificate of what is known of it."""

from __future__ import annotations

import msgspec

from marketstream.messages.context import Context
from marketstream.messages.trades import Depth
from marketstream.messages.words import CandleState


class Candle(msgspec.Struct, frozen=True, gc=False):
    """OHLCV over `[open_time_ms, close_time_ms)` with the book as of the close.

    Volumes are in base units, quote volumes in quote units. A candle in which nothing traded has
    `trade_count` 0 and the last close as its four prices. `first_buy` and `first_sell` are the
    first prices at which a taker bought and sold in it; `depth` the levels of the book as of the
    close, where they are followed and known, and `context` what the venue had told of a perpetual
    by then. The highest revision wins.

    The certificate: first and last trade id; `expected_count`, the trades there must have been by
    their ids, counting each missing one that may belong here (where ids do not number trades, those
    that came), or None where nobody was watching when the interval began; `complete`, True where it
    is proven that this equals `trade_count`, False where trades are known to be missing, None where
    nobody can tell (yet); `filled`, that missing trades have come since; `late_count`, the trades
    that came after the close.
    """

    market: str
    timeframe: str
    open_time_ms: int
    close_time_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float
    trade_count: int
    taker_buy_volume: float
    taker_buy_quote_volume: float
    bid: float | None = None
    bid_quantity: float | None = None
    ask: float | None = None
    ask_quantity: float | None = None
    first_buy: float | None = None
    first_sell: float | None = None
    first_trade_id: int | None = None
    last_trade_id: int | None = None
    state: CandleState = "closed"
    revision: int = 0
    complete: bool | None = True
    filled: bool = False
    expected_count: int | None = None
    late_count: int = 0
    depth: Depth | None = None
    context: Context | None = None

    @property
    def identity(self) -> tuple[str, str, int]:
        """Market, timeframe and open time."""
        return (self.market, self.timeframe, self.open_time_ms)

    @property
    def mid(self) -> float | None:
        """The middle of the book as of the close, where there was a book."""
        if self.bid is None or self.ask is None:
            return None
        return (self.bid + self.ask) / 2

    @property
    def is_whole(self) -> bool:
        """Whether somebody watched all of it, and nobody knows of a trade that it lacks."""
        return self.complete is True or (self.complete is None and self.expected_count is not None)
