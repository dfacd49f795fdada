"""Folds trades into candles of several timeframes at once, by event time alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import gcd, inf
from typing import Any

import msgspec

from candles.bar import Bar
from candles.closed import ClosedIntervals, Interval, Saved
from candles.folding import fold
from candles.units import decimals_of, to_units
from marketstream.errors import BadMessage
from marketstream.messages import Candle, CandleState, Quote, Trade, Trades
from marketstream.timeframes import finest_first, timeframe_ms

_QUOTES_BEFORE_FIRST_TRADE = 16


class CandleAggregator:
    """The candle operator of one market.

    Trades are folded into one base interval, the greatest that divides all timeframes; every
    timeframe is merged from it. An interval closes once a trade at or after its end, or
    `seen_until_us`, says that no more can come; one without trades closes flat at the last price.
    Candles that close at one moment come finest first. A trade whose id was folded already is
    skipped. One that comes after its interval closed is counted in `late` and makes a revision of
    its candles, and of the flat ones since. So does a jump in ids that shows only after a close: it
    may belong to every interval since the trade before. The newest 64 candles of each timeframe
    can be revised.

    `preview` names a timeframe and how often, in ms of event time, its candle is shown while it
    forms, with the newest book; there is nothing to show without a book, nor by a message that
    closes it. What closes is the same.
    """

    def __init__(
        self, market: str, timeframes: list[str], *, preview: tuple[str, int] | None = None
    ) -> None:
        self.market = market
        self.late = 0
        self.duplicates = 0
        self._timeframes = finest_first(timeframes)
        self._lengths_us = [timeframe_ms(timeframe) * 1_000 for timeframe in self._timeframes]
        self._base_us = gcd(*self._lengths_us)
        self._base = Bar()
        self._bars = [Bar() for _ in self._timeframes]
        self._end_us: int | None = None  # of the open base interval; None before the first trade
        self._observed_from_us: int | None = None
        self._closed = ClosedIntervals(self._lengths_us)
        self._price = 0.0
        self._last_id = -1
        self._last_us = 0
        self._price_decimals = 0
        self._quantity_decimals = 0
        self._book: Quote | None = None
        self._quotes: deque[Quote] = deque()  # newer than the open interval
        self._preview = None if preview is None else self._timeframes.index(preview[0])
        self._preview_every_us = 0 if preview is None else preview[1] * 1_000
        self._preview_due_us = 0

    def update(self, message: Trades) -> list[Candle]:
        """Fold one message; return the candles it closed, or the one to be shown as it forms."""
        trades = message.trades
        for trade in trades:  # refuse a message as a whole, before any of it is folded
            if not (0.0 < trade.price < inf and 0.0 < trade.quantity < inf):
                raise _no_sense(self.market, trade)
        closed: list[Candle] = []
        if self._observed_from_us is None:
            self._observed_from_us = _earliest_us(message)
        if (
            message.price_decimals > self._price_decimals
            or message.quantity_decimals > self._quantity_decimals
        ):
            self._widen(message.price_decimals, message.quantity_decimals)
        at = self._fold(trades, 0)
        while at < len(trades):
            if self._make_ready(trades[at], closed):
                at = self._fold(trades, at)
            else:
                at += 1
        if message.quote is not None:
            self._quotes.append(message.quote)
            if self._end_us is None and len(self._quotes) > _QUOTES_BEFORE_FIRST_TRADE:
                self._book = self._quotes.popleft()
        self._close_until(message.seen_until_us, closed)
        if self._preview is not None and message.seen_until_us >= self._preview_due_us:
            closed += self._forming(self._preview, closed)
            self._preview_due_us = message.seen_until_us + self._preview_every_us
        return closed

    def _fold(self, trades: Sequence[Trade], at: int) -> int:
        """Fold trades from a position on; return that of the first that needs to be made ready."""
        end_us = self._end_us
        if end_us is None:
            return at
        until = fold(
            self._base, trades, at,
            last_id=self._last_id, start_us=end_us - self._base_us, end_us=end_us,
            price_decimals=self._price_decimals, quantity_decimals=self._quantity_decimals,
        )  # fmt: skip
        if until > at:
            self._last_id = self._base.last_id
            self._price = self._base.close
            self._last_us = trades[until - 1].time_us
        return until

    def _make_ready(self, trade: Trade, closed: list[Candle]) -> bool:
        """Close what ends before a trade, see what is missing; False for one to be left out."""
        if trade.id <= self._last_id:
            self.duplicates += 1
            return False
        if self._end_us is None:
            self._end_us = (trade.time_us // self._base_us + 1) * self._base_us
        missing = self._last_id >= 0 and trade.id != self._last_id + trade.count
        open_us = self._end_us - self._base_us
        late = trade.time_us < open_us
        doubtful = self._closed.overlapping(self._last_us, trade.time_us) if missing else []
        if missing and not late:
            self._base.missing = True  # what is lost may belong to either side of the jump
        if trade.time_us >= self._end_us:
            self._close_until(trade.time_us, closed, missing=missing)
            self._base.missing = missing
        if (
            to_units(trade.price, self._price_decimals) is None
            or to_units(trade.quantity, self._quantity_decimals) is None
        ):
            self._widen(decimals_of(trade.price), decimals_of(trade.quantity))
        for one in doubtful:
            one.bar.missing = True
        if late:
            doubtful += self._add_late(trade, open_us, missing=missing)
        closed += self._revised(doubtful)
        self._last_id = trade.id if late else trade.id - trade.count
        return not late

    def _add_late(self, trade: Trade, open_us: int, *, missing: bool) -> list[Interval]:
        """Add a trade to the intervals it belongs to; return the closed ones that it changed."""
        self.late += 1
        self._price, self._last_us = trade.price, trade.time_us
        late = Bar()
        late.missing = missing
        fold(
            late, (trade,), 0,
            last_id=trade.id - trade.count, start_us=trade.time_us, end_us=trade.time_us + 1,
            price_decimals=self._price_decimals, quantity_decimals=self._quantity_decimals,
        )  # fmt: skip
        changed = []
        for index, length_us in enumerate(self._lengths_us):
            end_us = (trade.time_us // length_us + 1) * length_us
            if end_us > open_us:
                self._bars[index].merge(late)
            else:
                changed += self._closed.merge(index, end_us, late)
        return changed

    def _revised(self, changed: list[Interval]) -> list[Candle]:
        revised = []
        for one in dict.fromkeys(changed):
            one.revision += 1
            revised.append(self._candle(one))
        return sorted(revised, key=lambda candle: (candle.close_time_ms, -candle.open_time_ms))

    def _close_until(self, until_us: int, closed: list[Candle], *, missing: bool = False) -> None:
        while self._end_us is not None and until_us >= self._end_us:
            self._close(self._end_us, closed)
            self._end_us += self._base_us
            self._base.missing = missing

    def _close(self, end_us: int, closed: list[Candle]) -> None:
        while self._quotes and self._quotes[0].time_us < end_us:
            self._book = self._quotes.popleft()
        base = self._base
        if self._observed_from_us is None or end_us - self._base_us < self._observed_from_us:
            base.missing = True
        base.covered_us = self._base_us
        for index, length_us in enumerate(self._lengths_us):
            bar = self._bars[index]
            bar.merge(base)
            if end_us % length_us == 0:
                one = self._closed.add(index, end_us, bar, self._book, self._price)
                closed.append(self._candle(one))
                self._bars[index] = Bar()
        self._base = Bar()

    def _forming(self, index: int, closed: list[Candle]) -> list[Candle]:
        """Return the candle of a timeframe as it stands now, unless it has just closed."""
        timeframe, length_us = self._timeframes[index], self._lengths_us[index]
        book = self._quotes[-1] if self._quotes else self._book
        if self._end_us is None or book is None or any(c.timeframe == timeframe for c in closed):
            return []
        bar = Bar()
        bar.merge(self._bars[index])
        bar.merge(self._base)
        end_us = -(-self._end_us // length_us) * length_us
        return [self._candle(Interval(index, end_us, bar, book, self._price), state="forming")]

    def _candle(self, interval: Interval, state: CandleState = "closed") -> Candle:
        length_us = self._lengths_us[interval.index]
        end_us, bar, book = interval.end_us, interval.bar, interval.book
        quantity_scale = 10**self._quantity_decimals
        quote_scale = 10 ** (self._price_decimals + self._quantity_decimals)
        traded = bar.trade_count > 0
        return Candle(
            market=self.market,
            timeframe=self._timeframes[interval.index],
            open_time_ms=(end_us - length_us) // 1_000,
            close_time_ms=end_us // 1_000,
            open=bar.open if traded else interval.price,
            high=bar.high if traded else interval.price,
            low=bar.low if traded else interval.price,
            close=bar.close if traded else interval.price,
            volume=bar.volume / quantity_scale,
            quote_volume=bar.quote_volume / quote_scale,
            trade_count=bar.trade_count,
            taker_buy_volume=bar.taker_buy_volume / quantity_scale,
            taker_buy_quote_volume=bar.taker_buy_quote_volume / quote_scale,
            bid=None if book is None else book.bid,
            bid_quantity=None if book is None else book.bid_quantity,
            ask=None if book is None else book.ask,
            ask_quantity=None if book is None else book.ask_quantity,
            first_buy=bar.first_buy,
            first_sell=bar.first_sell,
            first_trade_id=bar.first_id if traded else None,
            last_trade_id=bar.last_id if traded else None,
            state=state,
            revision=interval.revision,
            complete=not bar.missing and (state == "forming" or bar.covered_us == length_us),
        )

    def _widen(self, price_decimals: int, quantity_decimals: int) -> None:
        price_by = max(0, price_decimals - self._price_decimals)
        quantity_by = max(0, quantity_decimals - self._quantity_decimals)
        if price_by or quantity_by:
            for bar in (self._base, *self._bars, *(one.bar for one in self._closed)):
                bar.rescale(10**price_by, 10**quantity_by)
            self._price_decimals += price_by
            self._quantity_decimals += quantity_by

    def resume(self, last: Candle, last_trade_id: int | None) -> None:
        """Go on after a closed candle whose end is a boundary of the base interval."""
        self._end_us = last.close_time_ms * 1_000 + self._base_us
        self._observed_from_us = last.close_time_ms * 1_000
        self._price = last.close
        if last_trade_id is not None:
            self._last_id = last_trade_id

    def snapshot(self) -> bytes:
        """Return the open intervals, the last trade and the book."""
        return msgspec.msgpack.encode(
            _State(
                timeframes=self._timeframes,
                bars=[bar.state() for bar in (self._base, *self._bars)],
                end_us=self._end_us,
                observed_from_us=self._observed_from_us,
                price=self._price,
                last_id=self._last_id,
                last_us=self._last_us,
                decimals=(self._price_decimals, self._quantity_decimals),
                book=self._book,
                quotes=list(self._quotes),
                closed=self._closed.state(),
                late=self.late,
                duplicates=self.duplicates,
            )
        )

    def restore(self, snapshot: bytes) -> None:
        """Go on from a snapshot taken with the same timeframes."""
        state = msgspec.msgpack.decode(snapshot, type=_State)
        if state.timeframes != self._timeframes:
            raise BadMessage(
                f"snapshot of {self.market} is for timeframes {state.timeframes}, "
                f"not for {self._timeframes}: drop it and fold again"
            )
        self._base, *self._bars = (Bar.from_state(bar) for bar in state.bars)
        self._end_us = state.end_us
        self._observed_from_us = state.observed_from_us
        self._price = state.price
        self._last_id = state.last_id
        self._last_us = state.last_us
        self._price_decimals, self._quantity_decimals = state.decimals
        self._book = state.book
        self._quotes = deque(state.quotes)
        self._closed.restore(state.closed)
        self.late = state.late
        self.duplicates = state.duplicates


class _State(msgspec.Struct):
    timeframes: list[str]
    bars: list[list[Any]]
    end_us: int | None
    observed_from_us: int | None
    price: float
    last_id: int
    last_us: int
    decimals: tuple[int, int]
    book: Quote | None
    quotes: list[Quote]
    closed: Saved
    late: int
    duplicates: int


def _no_sense(market: str, trade: Trade) -> BadMessage:
    return BadMessage(
        f"trade {trade.id} of {market}: price {trade.price} and quantity {trade.quantity} have to "
        "be positive numbers"
    )


def _earliest_us(message: Trades) -> int:
    # Trades of the very first one's moment may have come before watching began.
    times = [trade.time_us + 1 for trade in message.trades[:1]]
    if message.quote is not None:
        times.append(message.quote.time_us)
    return min(times, default=message.seen_until_us)
