"""Folds trades into candles of several timeframes at once, by event time alone."""

from __future__ import annotations

from collections.abc import Sequence

from candles.arrivals import Arrivals
from candles.bar import Bar, Point, later
from candles.book import Book
from candles.closed import ClosedIntervals
from candles.folding import bar_of, fold
from candles.forming import FormingIntervals
from candles.ids import Arrival, TradeIds
from candles.interval import Interval
from candles.pace import Pace
from candles.proof import Proof
from candles.snapshot import Snapshot
from candles.units import decimals_of, to_units
from marketstream.messages import Candle, CandleState, Context, Depth, Quote, Trade, Trades
from marketstream.timeframes import finest_first, timeframe_ms

_MOST_FLAT = 10_000  # intervals closed by one message
_MOST_FLAT_OF_LEAPS = 100_000


class CandleAggregator:
    """The candle operator of one market.

    It takes what a runner lets through, see `marketstream.runners.plausible`.

    An interval closes once a trade at or after its end, or `seen_until_us`, says that no more can
    come; one without trades closes flat at the last price. Candles that close at one moment come
    finest first.

    The trades of a message are taken as a set, and inside a candle they go by time and then id, so
    the last revisions do not depend on the order in which trades came. One whose id came before is
    skipped and counted in `duplicates`; one whose interval has closed is counted in `late` and
    makes a revision of its candles, and of the flat ones since. So does what changes the number of
    trades that a closed candle lacks: a jump in ids that shows only later, or a trade that was
    missing. A candle is called complete once a later id, or the exchange when asked, proves that no
    more trades belong to it; one that closes before that is revised then. The newest 64 candles of
    each timeframe can be revised, and as many as 512 while the oldest of them are not complete.
    Both counts are of what this object has seen itself; a snapshot does not hold them.

    Where ids do not number the trades (`Trades.numbered`) they only tell those that came before, of
    the newest 4,096. Nothing can prove then that there were no more: no candle is called complete,
    none has ids, and of trades of one moment the first is that which came first.

    A message that leaps ahead by more than ten minutes, or by more than 1,000 ids, or goes back to
    an older numbering, counts once three agree, unless `leaps` are to be expected, as in a file.
    One message closes the newest 10,000 intervals at most (100,000 where leaps are expected) and
    those that were open: of a longer time without a trade the first part has no candles.

    `preview` names a timeframe and how often, in ms of event time, its candle is shown while it
    forms, with the newest book; there is nothing to show without a book, nor by a message that
    closes it. What closes is the same.
    """

    def __init__(
        self,
        market: str,
        timeframes: list[str],
        *,
        preview: tuple[str, int] | None = None,
        leaps: bool = False,
    ) -> None:
        self.market = market
        self.late = 0
        self.duplicates = 0
        self._timeframes = finest_first(timeframes)
        self._lengths_us = [timeframe_ms(timeframe) * 1_000 for timeframe in self._timeframes]
        self._forming = FormingIntervals(
            self._lengths_us, _MOST_FLAT_OF_LEAPS if leaps else _MOST_FLAT
        )
        self._ids = TradeIds()
        self._closed = ClosedIntervals(self._lengths_us)
        self._proof = Proof(self._ids, self._lengths_us)
        self._arrivals = Arrivals()
        self._pace = None if leaps else Pace()
        self._last: Point | None = None
        self._price_decimals = 0
        self._quantity_decimals = 0
        self._book: Book[Quote] = Book()
        self._depth: Book[Depth] = Book()
        self._context: Book[Context] = Book()
        self._preview = None if preview is None else self._timeframes.index(preview[0])
        self._preview_every_us = 0 if preview is None else preview[1] * 1_000
        self._preview_due_us = 0

    def update(self, message: Trades) -> list[Candle]:
        """Fold one message; return the candles it closed, or the one to be shown as it forms."""
        if self._pace is None:
            return self._update(message)
        confirmed, agreed = self._pace.confirmed(message, self._forming.end_us, self._ids)
        return [candle for one in confirmed for candle in self._update(one, agreed=agreed)]

    def _update(self, message: Trades, *, agreed: bool = False) -> list[Candle]:
        trades: Sequence[Trade] = message.trades
        closed: list[Candle] = []
        if message.epoch < self._ids.epoch and not agreed:
            trades = ()  # of numbers that are of no use any more
        if trades:
            is_numbered_anew = message.numbered and not self._ids.numbered
            if message.epoch != self._ids.epoch or is_numbered_anew:
                self._begin_again(trades, message.epoch)
            trades = trades if message.numbered else self._number(trades)
        if self._ids.certain_from_us is None:
            self._ids.certain_from_us = _earliest_us(message)
        if message.spread_us and trades:  # of what opened before, nobody can say what is in it
            newest_us = max(trade.time_us for trade in trades) + message.spread_us
            self._ids.certain_from_us = max(self._ids.certain_from_us, newest_us)
        if (
            message.price_decimals > self._price_decimals
            or message.quantity_decimals > self._quantity_decimals
        ):
            self._widen(message.price_decimals, message.quantity_decimals)
        at = self._fold(trades, 0)
        if at < len(trades):
            if self._follow(trades, at):
                self._fold_and_close(trades, at, closed)
            else:
                self._place(trades[at:], closed)
        if message.quote is not None:
            self._book.add(message.quote, self._forming.end_us)
        if message.depth is not None:
            self._depth.add(message.depth, self._forming.end_us)
        if message.context is not None:
            self._context.add(message.context, self._forming.end_us)
        if message.proven_until_us is not None:
            self._ids.said_us = max(self._ids.said_us, message.proven_until_us)
        self._prove(closed)
        self._close_until(message.seen_until_us, closed)
        self._prove(closed)
        if self._preview is not None and message.seen_until_us >= self._preview_due_us:
            closed += self._shown(self._preview, closed)
            self._preview_due_us = message.seen_until_us + self._preview_every_us
        return closed

    def _begin_again(self, trades: Sequence[Trade], epoch: int) -> None:
        """Begin another numbering with trades, whose ids have nothing to do with those before."""
        first_us = min(trade.time_us for trade in trades)
        last_us = first_us if self._last is None else self._last[0]
        self._ids.begin_again(epoch, max(first_us, last_us))
        if not self._ids.numbered:
            self._ids.numbered, self._arrivals = True, Arrivals()

    def _number(self, trades: Sequence[Trade]) -> Sequence[Trade]:
        """Give numbers to trades whose ids are none, without those that came before."""
        self._ids.numbered = False
        numbered = self._arrivals.number(trades, self._ids.last_id + 1)
        self.duplicates += len(trades) - len(numbered)
        return numbered

    def _fold(self, trades: Sequence[Trade], at: int) -> int:
        """Fold trades from a position on; return that of the first that needs more than adding."""
        end_us = self._forming.end_us
        if end_us is None:
            return at
        ids, base = self._ids, self._forming.base
        until = fold(
            base, trades, at,
            last_id=ids.last_id, last_us=self._open_from_us(end_us), end_us=end_us,
            price_decimals=self._price_decimals, quantity_decimals=self._quantity_decimals,
        )  # fmt: skip
        if until > at:
            self._last = base.closed
            ids.last_id, ids.last_us = base.last_id, trades[until - 1].time_us
        return until

    def _open_from_us(self, end_us: int) -> int:
        """Return the time from which a trade follows on those of the open base interval."""
        closed = self._forming.base.closed
        return end_us - self._forming.base_us if closed is None else closed[0]

    def _follow(self, trades: Sequence[Trade], at: int) -> bool:
        """Say whether each trade from a position on follows on the one before, by id and time."""
        if self._forming.end_us is None:
            return False
        last_id, last_us = self._ids.last_id, self._open_from_us(self._forming.end_us)
        for trade in trades[at:]:
            if trade.id != last_id + trade.count or trade.time_us < last_us:
                return False
            last_id, last_us = trade.id, trade.time_us
        return True

    def _fold_and_close(self, trades: Sequence[Trade], at: int, closed: list[Candle]) -> None:
        """Fold trades that follow on each other, and close what ends between them."""
        while at < len(trades):
            self._widen_for(trades[at])
            self._ids.said_us = max(self._ids.said_us, trades[at].time_us)  # all ids before it came
            self._prove(closed)
            self._close_until(trades[at].time_us, closed)
            at = self._fold(trades, at)

    def _prove(self, closed: list[Candle]) -> None:
        """Show anew what is proven by now to be complete: before what closes after it."""
        for one in self._proof.newly():
            one.revision += 1
            closed.append(self._candle(one))

    def _place(self, trades: Sequence[Trade], closed: list[Candle]) -> None:
        """Fold trades in any order: first note all their ids, then put each into its intervals."""
        arrivals = [(trade, self._ids.add(trade)) for trade in sorted(trades, key=_id)]
        placed = sorted(
            ((t.time_us, t.id, t, a) for t, a in arrivals if a is not Arrival.KNOWN),
            key=lambda one: one[:2],
        )
        self.duplicates += len(trades) - len(placed)
        changed: list[Interval] = []
        for time_us, _, trade, arrival in placed:
            self._forming.begin(time_us)
            self._close_until(time_us, closed)
            self._widen_for(trade)
            bar = bar_of(trade, self._price_decimals, self._quantity_decimals)
            bar.filled = arrival is Arrival.MISSED
            self._last = later(self._last, bar.closed)
            if self._forming.is_of_base(time_us):
                self._forming.base.merge(bar)
            else:
                changed += self._add_late(bar, time_us)
        closed += self._revised(changed)

    def _add_late(self, late: Bar, time_us: int) -> list[Interval]:
        """Add a trade to the intervals it belongs to; return the closed ones that it changed."""
        self.late += 1
        changed = []
        for index in range(len(self._timeframes)):
            bar = self._forming.bar_of(index, time_us)
            if bar is not None:
                bar.merge(late)
            else:
                changed += self._closed.merge(index, late, time_us)
                self._proof.came_late(index, time_us, self._closed.held_from_us(index))
        return changed

    def _revised(self, changed: list[Interval]) -> list[Candle]:
        """Return anew the candles of intervals that changed, and of those that now lack others."""
        for from_us, to_us in self._ids.take_changed():
            changed += [
                one
                for one in self._closed.overlapping(from_us, to_us)
                if one.missing != self._proof.missing(one)
            ]
        revised = []
        for one in dict.fromkeys(changed):
            one.revision += 1
            self._proof.certify(one)
            revised.append(self._candle(one))
        return sorted(revised, key=lambda candle: (candle.close_time_ms, -candle.open_time_ms))

    def _close_until(self, until_us: int, closed: list[Candle]) -> None:
        if self._forming.end_us is not None and until_us >= self._forming.end_us:
            closed += [self._close(*one) for one in self._forming.closing(until_us)]

    def _close(self, index: int, end_us: int, bar: Bar) -> Candle:
        book, depth = self._book.as_of(end_us), self._depth.as_of(end_us)
        one = Interval(index, end_us, bar, book, depth, self._context.as_of(end_us), self._last)
        self._proof.close(one)
        self._closed.add(one)
        return self._candle(one)

    def _shown(self, index: int, closed: list[Candle]) -> list[Candle]:
        """Return the candle of a timeframe as it stands now, unless it has just closed."""
        timeframe, book = self._timeframes[index], self._book.newest
        is_open = self._forming.end_us is not None
        if not is_open or book is None or any(c.timeframe == timeframe for c in closed):
            return []
        depth, context = self._depth.newest, self._context.newest
        one = Interval(index, *self._forming.as_it_stands(index), book, depth, context, self._last)
        one.missing = self._proof.missing(one)
        return [self._candle(one, state="forming")]

    def _candle(self, one: Interval, state: CandleState = "closed") -> Candle:
        return one.candle(
            self.market,
            self._timeframes[one.index],
            price_decimals=self._price_decimals,
            quantity_decimals=self._quantity_decimals,
            state=state,
            with_ids=self._ids.numbered,
        )

    def _widen_for(self, trade: Trade) -> None:
        if (
            to_units(trade.price, self._price_decimals) is None
            or to_units(trade.quantity, self._quantity_decimals) is None
        ):
            self._widen(decimals_of(trade.price), decimals_of(trade.quantity))

    def _widen(self, price_decimals: int, quantity_decimals: int) -> None:
        price_by = max(0, price_decimals - self._price_decimals)
        quantity_by = max(0, quantity_decimals - self._quantity_decimals)
        if price_by or quantity_by:
            shown_again = dict.fromkeys((*self._closed, *self._proof.waiting))
            for bar in (*self._forming.bars, *(one.bar for one in shown_again)):
                bar.rescale(10**price_by, 10**quantity_by)
            self._price_decimals += price_by
            self._quantity_decimals += quantity_by

    def resume(self, last: Candle, last_trade_id: int | None, epoch: int = 0) -> None:
        """Go on after a closed candle whose end is a boundary of the base interval.

        The last trade's id is of the numbering `epoch`.
        """
        close_us = last.close_time_ms * 1_000
        self._forming.begin(close_us)
        self._ids.certain_from_us = close_us
        self._ids.last_us = close_us
        self._ids.epoch = epoch
        if last_trade_id is not None:
            self._ids.last_id = last_trade_id
        self._last = (close_us - 1, self._ids.last_id, last.close)

    def snapshot(self) -> bytes:
        """Return everything needed to go on elsewhere: what is open, what can still be revised."""
        return Snapshot(
            timeframes=self._timeframes,
            bars=[bar.state() for bar in self._forming.bars],
            end_us=self._forming.end_us,
            ids=self._ids.state(),
            last=self._last,
            decimals=(self._price_decimals, self._quantity_decimals),
            book=self._book.last,
            quotes=self._book.newer,
            depth=self._depth.last,
            depths=self._depth.newer,
            closed=self._closed.state(),
            held=[] if self._pace is None else self._pace.held,
            arrivals=self._arrivals.state(),
            context=self._context.last,
            contexts=self._context.newer,
        ).encode()

    def restore(self, snapshot: bytes) -> None:
        """Go on from a snapshot taken with the same timeframes."""
        state = Snapshot.decode(snapshot, self.market, self._timeframes)
        self._forming.restore(map(Bar.from_state, state.bars), state.end_us)
        self._ids = TradeIds.from_state(state.ids)
        self._ids.numbered = not state.arrivals
        self._arrivals = Arrivals(state.arrivals)
        self._last = state.last
        self._price_decimals, self._quantity_decimals = state.decimals
        self._book = Book(state.book, state.quotes)
        self._depth = Book(state.depth, state.depths)
        self._context = Book(state.context, state.contexts)
        if self._pace is not None:
            self._pace = Pace(state.held)
        self._closed.restore(state.closed)
        self._proof = Proof(self._ids, self._lengths_us, self._closed.unproven())


def _id(trade: Trade) -> int:
    return trade.id


def _earliest_us(message: Trades) -> int:
    # Trades of the very first one's moment may have come before watching began.
    times = [min(trade.time_us for trade in message.trades) + 1] if message.trades else []
    if message.quote is not None:
        times.append(message.quote.time_us)
    return min(times, default=message.seen_until_us)
