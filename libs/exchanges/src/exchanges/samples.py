"""What a venue really says, beside what we take it to mean: what `checks` are made with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exchanges.events import BookEvent, ContextEvent, LiquidationEvent, QuoteEvent
from exchanges.venue import HistoricTrade, MarketInfo
from marketstream.klines import Kline
from marketstream.messages import Trade


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """A venue's frames and answers for `symbol`, each with its meaning.

    `trade` and `quote` are frames, and so are those of `books`, which come where books are
    followed; what they mean is of whichever market the stream gives it. `beside` are frames that
    hold neither, such as acknowledgements, heartbeats and channels nobody asked for. Answers come
    with HTTP status 200; `not_traded` is status and body for a symbol that the venue does not know.
    `past` and `klines` hold two rows or more. `book` is the answer where books are asked for.
    `context` are frames, and answers that are read as frames, of what else is told of perpetuals.
    """

    symbol: str
    trade: bytes
    trade_means: Trade
    quote: bytes
    quote_means: QuoteEvent
    beside: Sequence[bytes]
    market_info: bytes
    market_info_means: MarketInfo
    not_traded: tuple[int, bytes]
    server_time: bytes
    server_time_ms: int
    past: bytes = b""
    past_means: Sequence[HistoricTrade] = ()
    klines: bytes
    klines_mean: Sequence[Kline]
    books: Sequence[tuple[bytes, BookEvent]] = ()
    book: bytes = b""
    book_means: BookEvent | None = None
    context: Sequence[tuple[bytes, Sequence[ContextEvent | LiquidationEvent]]] = ()
