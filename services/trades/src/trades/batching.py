"""Events of one market become Trades messages whose content does not depend on how they came in."""

from __future__ import annotations

import sys
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from exchanges.events import QuoteEvent, TradeEvent
from marketstream.errors import BadMessage
from marketstream.messages import Quote, Trade, Trades
from trades.clock_offset import ClockOffset

if TYPE_CHECKING:
    from exchanges.events import MarketEvent

_FURTHEST_AHEAD_US = 3_600_000_000
_MOST_GAPS = 1_000  # that wait to be repaired: candles remember no more of them


class Gap(NamedTuple):
    """Trade ids that were jumped over, and when the trades before and after them were."""

    ids: range
    since_us: int
    until_us: int | None


class TradesBatcher:
    """Collect one market's events until the socket read ends or time passes a boundary.

    A message carries many trades but only the newest quote. So that candles are the same whatever
    the size of the batches, it never spans a boundary of `finest_ms`: it is closed before an event
    of a later bucket, and right after the event that moves `seen_until_us` into a later one.
    Receive times come from the caller; there is no clock in here.

    `grace_ms` is how late a trade may come without being late. Before the first trade neither
    quotes nor heartbeats say anything: nothing ties the receive time to the exchange's time yet.
    `duplicates`, `gaps` and `missing` count repeated trade ids, jumps in them, and the ids jumped
    over that have not come since, by themselves or as repairs; `trades` and `quotes` what came in.
    """

    def __init__(
        self,
        market: str,
        *,
        price_decimals: int = 8,
        quantity_decimals: int = 8,
        finest_ms: int = 250,
        grace_ms: int = 100,
    ) -> None:
        self.market = market
        self.quotes = 0
        self.duplicates = 0
        self.gaps = 0
        self.missing = 0
        self._price_decimals = price_decimals
        self._quantity_decimals = quantity_decimals
        self._finest_us = finest_ms * 1_000
        self._grace_us = grace_ms * 1_000
        self._clock_offset = ClockOffset()
        self._next_trade_id: int | None = None
        self._open_gaps: deque[Gap] = deque(maxlen=_MOST_GAPS)
        self._taken_gaps: deque[Gap] = deque(maxlen=_MOST_GAPS)
        self._last_trade_us = 0
        self._skipped_us = 0
        self._last_received_us = 0
        self._last_event_us = 0
        self._seen_until_us = 0
        self._published_trades = 0
        self._emit_at_us = 0  # the end of the bucket that the last message reached into
        self._pending_trades: list[Trade] = []
        self._pending_quote: Quote | None = None
        self._pending_end_us = 0  # of the bucket of what is pending

    @property
    def trades(self) -> int:
        """How many trades came in, without duplicates."""
        return self._published_trades + len(self._pending_trades)

    @property
    def expected(self) -> Gap | None:
        """What may be missing after the last trade: ids without an end; None before the first."""
        if self._next_trade_id is None:
            return None
        return self._gap_until(sys.maxsize, self._next_trade_id, None)

    def take_gaps(self) -> list[Gap]:
        """Return the gaps seen since they were last taken, for who repairs them."""
        gaps = list(self._open_gaps)
        self._taken_gaps.extend(gaps)
        self._open_gaps.clear()
        return gaps

    def repaired(self, count: int) -> None:
        """Note that so many of the ids jumped over have come another way."""
        self.missing -= count

    def skip_to(self, trade_id: int, since_us: int) -> None:
        """Take what comes live before this id as a duplicate: it came another way, up to a time."""
        if self._next_trade_id is None or trade_id > self._next_trade_id:
            self._next_trade_id, self._skipped_us = trade_id, since_us

    def add(self, event: MarketEvent, received_us: int) -> list[Trades]:
        """Take in one event; return the messages it closed, none to two.

        Raises BadMessage where the event's time is more than an hour ahead of the exchange's clock:
        it would close every candle until then. A second one in a row is believed.
        """
        if type(event) is not TradeEvent:
            closed = self._add_quote(event, received_us)
            self.quotes += 1
            return closed
        trade = event.trade
        time_us = trade.time_us
        clock = self._clock_offset
        fastest = time_us - received_us > clock.largest_us
        if fastest:
            self._refuse_leap(time_us, received_us)
        if trade.id != self._next_trade_id and not self._follows(trade.id, time_us):
            return []
        is_newest = self._next_trade_id is None or trade.id >= self._next_trade_id
        if is_newest:
            self._next_trade_id = trade.id + 1
        if fastest or not clock.from_us <= received_us < clock.until_us:
            clock.update(time_us, received_us)
        if is_newest:
            self._last_trade_us = time_us
            self._last_received_us = received_us
        closed = self._make_room(time_us) if time_us >= self._pending_end_us else []
        self._pending_trades.append(trade)
        if time_us > self._last_event_us:
            self._last_event_us = time_us
        if time_us <= self._seen_until_us:
            return closed
        self._seen_until_us = time_us
        return closed if time_us < self._emit_at_us else [*closed, self._emit()]

    def _add_quote(self, event: QuoteEvent, received_us: int) -> list[Trades]:
        offset_us = self._clock_offset.offset_us
        if offset_us is None:
            return []  # nothing ties the receive time to the exchange's time yet
        time_us = event.time_us
        estimated = time_us is None
        if time_us is None:
            time_us = received_us + offset_us
        else:
            self._refuse_leap(time_us, received_us)
        # Never earlier than what came before it: on one connection, arrival is the order.
        time_us = max(time_us, self._last_event_us)
        closed = self._make_room(time_us) if time_us >= self._pending_end_us else []
        self._pending_quote = Quote(
            event.bid, event.bid_quantity, event.ask, event.ask_quantity, time_us, estimated
        )
        self._last_event_us = time_us
        self._seen_until_us = max(self._seen_until_us, self._seen_by(received_us))
        return closed if self._seen_until_us < self._emit_at_us else [*closed, self._emit()]

    def flush(self) -> Trades | None:
        """Return what is pending, at the end of a socket read."""
        return self._emit() if self._is_pending() else None

    def heartbeat(self, received_us: int) -> Trades | None:
        """Say how far time is seen while nothing comes in; None where that is not news."""
        seen_until_us = self._seen_by(received_us)
        if seen_until_us <= self._seen_until_us:
            return self.flush()
        self._seen_until_us = seen_until_us
        return self._emit()

    def _seen_by(self, received_us: int) -> int:
        """Return the exchange time before which everything has come in, we may assume.

        When trades come in late, held up on the network or by our own process, more late ones are
        behind them: the backlog counts as gone once as much time has passed as it was long.
        """
        offset_us = self._clock_offset.offset_us
        if offset_us is None:
            return 0
        lag_us = self._last_received_us + offset_us - self._last_trade_us
        backlog_us = lag_us - (received_us - self._last_received_us)
        return received_us + offset_us - self._grace_us - max(0, backlog_us)

    def _make_room(self, time_us: int) -> list[Trades]:
        """Close the message before an event of a later bucket."""
        closed = [self._emit()] if self._is_pending() else []
        self._pending_end_us = self._end_of_bucket(time_us)
        return closed

    def _end_of_bucket(self, time_us: int) -> int:
        return (time_us // self._finest_us + 1) * self._finest_us

    def _is_pending(self) -> bool:
        return bool(self._pending_trades) or self._pending_quote is not None

    def _emit(self) -> Trades:
        message = Trades(
            self.market,
            tuple(self._pending_trades),
            self._pending_quote,
            self._seen_until_us,
            self._price_decimals,
            self._quantity_decimals,
        )
        self._published_trades += len(message.trades)
        self._emit_at_us = self._end_of_bucket(self._seen_until_us)
        self._pending_trades.clear()
        self._pending_quote = None
        self._pending_end_us = 0
        return message

    def _follows(self, trade_id: int, time_us: int) -> bool:
        """Count what an id says that is not the next one; False for a duplicate."""
        next_id = self._next_trade_id
        if next_id is None:
            return True
        if trade_id < next_id:
            if self._was_jumped_over(trade_id):
                return True
            self.duplicates += 1
            return False
        self.gaps += 1
        self.missing += trade_id - next_id
        self._open_gaps.append(self._gap_until(trade_id, next_id, time_us))
        return True

    def _was_jumped_over(self, trade_id: int) -> bool:
        """Take a trade that comes after later ones out of its gap; False where it is in none.

        Of a gap that was taken, whoever repairs it counts the trade; it is passed on all the same,
        since it may be had nowhere else, and is known where both bring it.
        """
        for gaps in (self._open_gaps, self._taken_gaps):
            gap = next((gap for gap in gaps if trade_id in gap.ids), None)
            if gap is None:
                continue
            before, after = range(gap.ids.start, trade_id), range(trade_id + 1, gap.ids.stop)
            at = gaps.index(gap)
            gaps.remove(gap)
            for ids in (after, before):
                if ids:
                    if len(gaps) == gaps.maxlen:
                        gaps.popleft()
                        at -= 1
                    gaps.insert(max(at, 0), gap._replace(ids=ids))
            self.missing -= gaps is self._open_gaps
            return True
        return False

    def _gap_until(self, trade_id: int, next_id: int, until_us: int | None) -> Gap:
        return Gap(range(next_id, trade_id), max(self._last_trade_us, self._skipped_us), until_us)

    def _refuse_leap(self, time_us: int, received_us: int) -> None:
        offset_us = self._clock_offset.offset_us
        if offset_us is None or time_us - received_us - offset_us <= _FURTHEST_AHEAD_US:
            return
        ahead_us = time_us - received_us - offset_us
        self._clock_offset = ClockOffset()
        raise BadMessage(
            f"{self.market}: the time {time_us} µs is {ahead_us // 1_000_000} s ahead of the "
            "exchange's clock"
        )
