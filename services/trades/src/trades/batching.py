"""Events of one market become Trades messages whose content does not depend on how they came in."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from marketstream.messages import Context, Depth, Levels, Quote, Trade, Trades
from trades.clock_offset import ClockOffset

_NOTHING: tuple[Trades, ...] = ()


class TradesBatcher:
    """Collect one market's events until the socket read ends or time passes a boundary.

    A message carries many trades but only the newest quote, depth and context. So that candles are
    the same whatever the size of the batches, it never spans a boundary of `finest_ms`: it is
    closed before an event of a later bucket, and right after the event that moves
    `seen_until_us` into a later one.
    Receive times come from the caller; there is no clock in here.

    `grace_ms` is how late a trade may come without being late. Before the first trade neither
    quotes nor heartbeats say anything: nothing ties the receive time to the exchange's time yet.
    Time moves on without trades for `plausible_us` after the last one, or after the time up to
    which silence is proven, `proven_until_us`; then it stands still. Messages say whether ids are
    `numbered`.
    """

    def __init__(
        self,
        market: str,
        *,
        price_decimals: int = 8,
        quantity_decimals: int = 8,
        finest_ms: int = 250,
        grace_ms: int = 100,
        numbered: bool = True,
    ) -> None:
        self.market = market
        self.clock = ClockOffset()
        self.asked_offset_us: int | None = None  # a careful guess for as long as no trade came
        self.epoch = 0
        self.plausible_us = 0
        self.proven_until_us = 0
        self.alive_until_us = 0  # a silence until then is believed, and not proven
        self.seen_until_us = 0
        self.newest_us = 0  # of the trades, by their ids
        self.filled_us = 0  # the latest of those that were not the newest by their ids
        self._price_decimals = price_decimals
        self._quantity_decimals = quantity_decimals
        self._finest_us = finest_ms * 1_000
        self._grace_us = grace_ms * 1_000
        self._numbered = numbered
        self.newest_received_us = 0
        self._received_us = 0  # of the last trade
        self._last_trade: Trade | None = None
        self._latest_us = 0  # of all events but for the last trade
        self._said_proven_us = 0
        self._emit_at_us = 0  # the end of the bucket that the last message reached into
        self.pending: list[Trade] = []  # trades of the next message
        self._quote: Quote | None = None
        self._depth: Depth | None = None
        self._depth_us = 0  # of the last one
        self._context: Context | None = None
        self._context_us = 0  # of the last one
        self._pending_end_us = 0  # of the bucket of what is pending
        self.quiet_until_us = 0  # trades before that close nothing

    @property
    def offset_us(self) -> int | None:
        """How far the exchange's clock is ahead of the receive times; None while nobody knows."""
        offset_us = self.clock.offset_us
        return self.asked_offset_us if offset_us is None else offset_us

    def add_trade(self, trade: Trade, received_us: int) -> Sequence[Trades]:
        """Take in a trade; return the messages it closed.

        The caller keeps `newest_us`, or `filled_us` where a trade is not the newest by its id, and
        tells `out_of_step` of those that are not later than the one before.
        """
        # Times are large numbers, and slow to compare: most trades need two of the comparisons.
        time_us = trade.time_us
        clock = self.clock
        if time_us - received_us > clock.largest_us:
            clock.update(time_us, received_us)
        elif received_us is not self._received_us:
            self._received_us = received_us
            if not clock.from_us <= received_us < clock.until_us:
                clock.update(time_us, received_us)
        self._last_trade = trade
        if time_us < self.quiet_until_us:
            self.pending.append(trade)
            if time_us > self.seen_until_us:
                self.seen_until_us = time_us
            return _NOTHING
        closed = self._make_room(time_us) if time_us >= self._pending_end_us else _NOTHING
        self.pending.append(trade)
        if time_us <= self.seen_until_us:
            return closed
        self.seen_until_us = time_us
        return closed if time_us < self._emit_at_us else [*closed, self._emit()]

    def took_usual(self, newest_us: int, newest_received_us: int) -> None:
        """Note when the newest of the pending trades happened and came, after usual ones."""
        self.newest_us, self.newest_received_us = newest_us, newest_received_us
        self._last_trade = self.pending[-1]
        self.seen_until_us = max(self.seen_until_us, newest_us)

    def out_of_step(self, time_us: int) -> None:
        """Note the time of a trade that may be earlier than another before it."""
        last = self._last_trade
        self._latest_us = max(self._latest_us, time_us, 0 if last is None else last.time_us)

    def add_quote(
        self,
        bid: float,
        bid_quantity: float,
        ask: float,
        ask_quantity: float,
        time_us: int | None,
        received_us: int,
    ) -> Sequence[Trades]:
        """Take in a quote; return the messages it closed."""
        offset_us = self.offset_us
        if offset_us is None or self.newest_us == 0:
            return (
                _NOTHING  # nothing ties the receive time to the exchange's time yet, or to a trade
            )
        estimated = time_us is None
        if time_us is None:
            time_us = received_us + offset_us
        # Never earlier than what came before it: on one connection, arrival is the order.
        self.out_of_step(time_us)
        time_us = self._latest_us
        closed = self._make_room(time_us) if time_us >= self._pending_end_us else _NOTHING
        self._quote = Quote(bid, bid_quantity, ask, ask_quantity, time_us, estimated)
        seen_until_us = self._seen_by(received_us)
        if seen_until_us > self.seen_until_us:
            self.seen_until_us = seen_until_us
        return closed if self.seen_until_us < self._emit_at_us else [*closed, self._emit()]

    def add_depth(
        self, bids: Levels, asks: Levels, time_us: int | None, received_us: int
    ) -> Sequence[Trades]:
        """Take in levels of the book, none where it is not known; return the messages it closed."""
        offset_us = self.offset_us
        if offset_us is None or self.newest_us == 0:
            return _NOTHING  # as with quotes
        if time_us is None:
            time_us = received_us + offset_us
        time_us = self._depth_us = max(time_us, self._depth_us)
        closed = self._make_room_after(self._depth, time_us)
        self._depth = Depth(bids, asks, time_us)
        return closed

    def add_context(self, context: Context, received_us: int) -> Sequence[Trades]:
        """Take in what is told of a perpetual; return the messages it closed."""
        del received_us
        if self.offset_us is None or self.newest_us == 0:
            return _NOTHING  # as with quotes
        time_us = self._context_us = max(context.time_us, self._context_us)
        closed = self._make_room_after(self._context, time_us)
        self._context = context if context.time_us == time_us else replace(context, time_us=time_us)
        return closed

    def _make_room_after(self, waiting: Depth | Context | None, time_us: int) -> Sequence[Trades]:
        """Close the message before what is of a later bucket than what waits, or all that does."""
        is_next = waiting is not None and time_us >= self._end_of_bucket(waiting.time_us)
        is_later = time_us >= self._pending_end_us
        return self._make_room(time_us) if is_next or is_later else _NOTHING

    def flush(self) -> Trades | None:
        """Return what is pending, at the end of a socket read."""
        beside = (self._quote, self._depth, self._context)
        is_pending = self.pending or any(one is not None for one in beside)
        return self._emit() if is_pending else None

    def heartbeat(self, received_us: int) -> Trades | None:
        """Say how far time is seen while nothing comes in; None where that is not news."""
        seen_until_us = self._seen_by(received_us)
        if seen_until_us <= self.seen_until_us:
            return self._emit() if self._proven_is_news() else self.flush()
        self.seen_until_us = seen_until_us
        return self._emit()

    def doubt_us(self, received_us: int) -> int:
        """Return for how long the market has been silent beyond what is plausible or proven."""
        offset_us = self.offset_us
        if offset_us is None:
            return 0
        return max(0, received_us + offset_us - self._grace_us - self._believed_until_us())

    def _believed_until_us(self) -> int:
        known_us = max(self.newest_us, self.proven_until_us, self.alive_until_us)
        return known_us + self.plausible_us if known_us else 0

    def _seen_by(self, received_us: int) -> int:
        """Return the exchange time before which everything has come in, we may assume.

        When trades come in late, held up on the network or by our own process, more late ones are
        behind them: the backlog counts as gone once as much time has passed as it was long.
        """
        offset_us = self.offset_us
        if offset_us is None:
            return 0
        lag_us = self.newest_received_us + offset_us - self.newest_us
        backlog_us = lag_us - (received_us - self.newest_received_us)
        seen_us = received_us + offset_us - self._grace_us - max(0, backlog_us)
        return min(seen_us, self._believed_until_us())

    def _make_room(self, time_us: int) -> Sequence[Trades]:
        """Close the message before an event of a later bucket."""
        pending = self.flush()
        self._pending_end_us = self._end_of_bucket(time_us)
        self.quiet_until_us = min(self._pending_end_us, self._emit_at_us)
        return _NOTHING if pending is None else (pending,)

    def _end_of_bucket(self, time_us: int) -> int:
        return (time_us // self._finest_us + 1) * self._finest_us

    def _proven_is_news(self) -> bool:
        return self.proven_until_us > max(self._said_proven_us, self.newest_us)

    def _emit(self) -> Trades:
        proven_until_us = None
        if self._proven_is_news():
            proven_until_us = self._said_proven_us = self.proven_until_us
        message = Trades(
            self.market,
            tuple(self.pending),
            self._quote,
            self.seen_until_us,
            self._price_decimals,
            self._quantity_decimals,
            proven_until_us,
            self.epoch,
            self._depth,
            numbered=self._numbered,
            context=self._context,
        )
        self._emit_at_us = self._end_of_bucket(self.seen_until_us)
        self.pending.clear()
        self._quote = self._depth = self._context = None
        self._pending_end_us = self.quiet_until_us = 0
        return message
