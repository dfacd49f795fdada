"""One interval of one timeframe, and the candle it is shown as."""

from __future__ import annotations

from candles.bar import Bar, Point
from marketstream.messages import Candle, CandleState, Context, Depth, Quote
from marketstream.timeframes import timeframe_ms


class Interval:
    """An interval's trades; the book and the last trade are as of its end.

    `index` is its timeframe's; `missing` is how many trades it was last said to lack, None where
    nobody could say; `proven` whether something proves that no more come than those.
    """

    __slots__ = (
        "bar", "book", "context", "depth", "end_us", "index", "last", "late_count", "missing",
        "proven", "revision",
    )  # fmt: skip

    def __init__(
        self,
        index: int,
        end_us: int,
        bar: Bar,
        book: Quote | None,
        depth: Depth | None,
        context: Context | None,
        last: Point | None,
    ) -> None:
        self.index = index
        self.end_us = end_us
        self.bar = bar
        self.book = book
        self.depth = depth if depth is not None and depth.is_known else None
        self.context = context
        self.last = last
        self.revision = 0
        self.late_count = 0
        self.missing: int | None = None
        self.proven = False

    @property
    def complete(self) -> bool | None:
        """Whether it has all of its trades, None where that is not known."""
        if self.missing:
            return False
        return True if self.proven and self.missing == 0 else None

    @property
    def is_settled(self) -> bool:
        """Whether nothing is expected to change any more."""
        return self.proven and not self.missing

    def candle(
        self,
        market: str,
        timeframe: str,
        *,
        price_decimals: int,
        quantity_decimals: int,
        state: CandleState,
        with_ids: bool,
    ) -> Candle:
        """Return the message; the sums are in units of so many decimals."""
        bar, book, missing = self.bar, self.book, self.missing
        quantity_scale = 10**quantity_decimals
        quote_scale = 10 ** (price_decimals + quantity_decimals)
        price = 0.0 if self.last is None else self.last[2]
        traded = bar.trade_count > 0
        close_time_ms = self.end_us // 1_000
        return Candle(
            market=market,
            timeframe=timeframe,
            open_time_ms=close_time_ms - timeframe_ms(timeframe),
            close_time_ms=close_time_ms,
            open=price if bar.opened is None else bar.opened[2],
            high=bar.high if traded else price,
            low=bar.low if traded else price,
            close=price if bar.closed is None else bar.closed[2],
            volume=bar.volume / quantity_scale,
            quote_volume=bar.quote_volume / quote_scale,
            trade_count=bar.trade_count,
            taker_buy_volume=bar.taker_buy_volume / quantity_scale,
            taker_buy_quote_volume=bar.taker_buy_quote_volume / quote_scale,
            bid=None if book is None else book.bid,
            bid_quantity=None if book is None else book.bid_quantity,
            ask=None if book is None else book.ask,
            ask_quantity=None if book is None else book.ask_quantity,
            first_buy=None if bar.bought is None else bar.bought[2],
            first_sell=None if bar.sold is None else bar.sold[2],
            first_trade_id=bar.first_id if traded and with_ids else None,
            last_trade_id=bar.last_id if traded and with_ids else None,
            state=state,
            revision=self.revision,
            complete=self.complete,
            filled=bar.filled,
            expected_count=None if missing is None else bar.trade_count + missing,
            late_count=self.late_count,
            depth=self.depth,
            context=self.context,
        )
