"""What of a stream is plausible, and when what is not has to be believed after all."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Literal

from exchanges.events import QuoteEvent
from marketstream.errors import BadMessage
from marketstream.messages import Trade
from trades.batching import TradesBatcher
from trades.clock_offset import ClockOffset
from trades.session.ids import OpenGap
from trades.session.pages import first_id
from trades.session.rules import Mark, Row, Rules

FREE_JUMP = 20  # ids, that one trade alone may jump over
CLOCK_MARGIN_US = 500_000  # what may be wrong with a clock that was asked for by REST

_AHEAD_US = 2_000_000  # of the exchange's clock
_DATED_AHEAD_US = 3_000_000  # at most, what is believed, as its clock was asked for
_NO_CLOCK_OFF_US = 86_400_000_000  # ahead of ours, before the exchange's is known
_CLOCK_OFF_US = 100_000  # that is no more than usual
_UNDERWAY_US = 1_000_000  # at most, what a trade takes to come
_BEHIND_US = 5_000_000  # the trade it follows on
_FIRST_BEHIND_US = 60_000_000  # the exchange's clock, where it follows on none
_FACTOR = 2.0  # between the prices of two trades
_MOST_VALUE = 1e13  # of one trade, in quote units
_NEAR_IDS = 20
_AGREEING_IDS = 3  # trades in a row whose ids are believed, where the exchange says so too
_AGREEING_ALONE = 50  # where it was asked, and does not answer
_AGREEING = 5  # whose time or price is
_MOST_DOUBTED = 64  # that are kept, to be held against what the exchange says
_STALE_QUOTES = 20  # in a row, until their numbering is taken to have begun again


class Plausibility:
    """Looks at what is not as usual, and puts aside what makes no sense (BadMessage).

    Of a trade that is put aside the id stays missing, until REST brings it, as it was or as it
    truly is. Trades in a row that are doubted for one reason are believed once enough of them
    agree: each follows on the one before by its id (where they number trades; else it is another
    one) and its price, and is not before it in time.

    Usual is a `price` from `low` to `high`, and a time no later than `latest_us` after the receipt;
    while anything is doubted, nothing is usual. What takes real time takes `speed` times as much
    of the market's. `wants_time` says that the exchange's clock should be asked for,
    `wants_newest` its newest trade: where it can be asked, trades alone do not say that ids jump or
    begin again, for wrong ones may follow on each other too.
    """

    def __init__(self, batcher: TradesBatcher, rules: Rules) -> None:
        self.low, self.high = 0.0, float("inf")
        self.latest_us = -(1 << 62)
        self.doubting = False
        self.wants_time = rules.asks
        self.wants_newest = False
        self._asks = rules.asks
        self._numbered = rules.numbered
        self._speed = speed = rules.speed
        self._ahead_us = round(_AHEAD_US * speed)
        self._behind_us = round(_BEHIND_US * speed)
        self._first_behind_us = round(_FIRST_BEHIND_US * speed)
        self._margin_us = round(CLOCK_MARGIN_US * speed)
        self._batcher = batcher
        self._market = batcher.market
        self.price: float | None = None
        self._reason = ""
        self._first_id = 0  # of the trades in a row
        self._last: Trade | None = None
        self._doubted: deque[Trade] = deque(maxlen=_MOST_DOUBTED)  # in a row
        self._count = 0
        self._repeats = False  # the doubted ones have ids that other trades had
        self._asked: Trade | None = None
        self._asked_within_us = 0  # what the exchange's clock said may be off
        self._quote_order = -1
        self._stale_quotes = 0

    def move(self, price: float) -> None:
        """Move the band of prices along with one that is believed."""
        self.price = price
        self.low, self.high = price / _FACTOR, price * _FACTOR

    def believe(self) -> None:
        """Note that a trade made sense."""
        self._last, self._count, self.doubting = None, 0, False
        self.wants_newest = False

    def clock_is(self, exchange_us: int, received_us: int, within_us: int) -> None:
        """Note what the exchange's clock says, when asked: then, within so much."""
        # Events take their time on the way, an answer half of its own.
        batcher = self._batcher
        asked_us = batcher.asked_offset_us = exchange_us - received_us - self._margin_us
        self._asked_within_us = within_us
        self.wants_time = False
        offset_us = batcher.clock.offset_us
        if offset_us is not None and offset_us - asked_us > 2 * self._ahead_us:
            batcher.clock = ClockOffset()  # of events that were ahead of the exchange's own clock

    @property
    def sure_offset_us(self) -> int | None:
        """How far the exchange's clock is ahead, for what is to prove something; None: not sure.

        Before any trade came only what the exchange says when asked is known, and that may be off.
        Where our own clock, which its trades are not told by, says the same, both are believed.
        While the exchange still has to be asked, what its stream says of its clock may be wrong.
        """
        batcher = self._batcher
        if self.wants_time:
            return None
        if batcher.clock.offset_us is not None:
            return batcher.clock.offset_us
        asked_us = batcher.asked_offset_us
        return asked_us if asked_us is not None and abs(asked_us) <= self._ahead_us else None

    @property
    def known_until_us(self) -> int:
        """Up to when the trades are known that came, of the exchange's time.

        That is when the newest traded or, where it is dated ahead of the exchange's clock, a moment
        before it came.
        """
        batcher, speed = self._batcher, self._speed
        newest_us, asked_us = batcher.newest_us, batcher.asked_offset_us
        if asked_us is None or not batcher.newest_received_us:
            return newest_us
        came_us = batcher.newest_received_us + asked_us + self._margin_us
        if newest_us <= came_us + round(_CLOCK_OFF_US * speed) + self._asked_within_us:
            return newest_us
        underway_us, ahead_us = round(_UNDERWAY_US * speed), round(_DATED_AHEAD_US * speed)
        return max(came_us - underway_us, newest_us - ahead_us)

    def newest_is(self, trade: Trade) -> None:
        """Note the newest trade of an answer."""
        self._asked = trade
        self.wants_newest = False

    def connected(self) -> None:
        """Note that another connection begins, whose quotes may be numbered otherwise."""
        self._quote_order, self._stale_quotes = -1, 0

    def check_quote(self, event: QuoteEvent, received_us: int) -> bool:
        """Say whether a quote is newer than the last; raises BadMessage where it makes no sense."""
        order = event.order
        if order is not None:
            if order <= self._quote_order and self._stale_quotes < _STALE_QUOTES:
                self._stale_quotes += 1
                return False
            self._quote_order, self._stale_quotes = order, 0
        if event.ask < self.low or event.bid > self.high:
            raise BadMessage(
                f"{self._market}: a quote of {event.bid:g} to {event.ask:g} is put aside: it is "
                f"far from the last price, {self.price:g}"
            )
        if event.time_us is not None:
            self.check_clock("a quote", event.time_us, received_us)
        return True

    def check(self, trade: Trade, gap: OpenGap | None, received_us: int) -> None:
        """Look at time, price and size of a trade, which may be missing in a gap."""
        self._check_time(trade, gap, received_us)
        if not self.low <= trade.price <= self.high:
            problem = f"the price {trade.price:g} is far from the {self.price:g} before it"
            self._put_aside("price", problem, trade, _AGREEING)
            self.move(trade.price)
        if trade.price * trade.quantity > _MOST_VALUE:
            raise self._aside(
                f"{trade.quantity:g} at {trade.price:g} is more than anybody ever traded", trade
            )

    def check_jump(self, trade: Trade, jumped: int) -> None:
        """Look at a trade that jumps over ids: over many only those do that others follow on."""
        if jumped > FREE_JUMP and not self._is_said("jump", trade):
            raise self._aside(f"its id jumps over {jumped}", trade)

    def is_confirmed(self, trade: Trade, jumped: int | None) -> bool:
        """Say whether the first trades of a connection agree on where its ids are.

        Those before are fetched: nothing on the connection says yet that their ids are true.
        """
        if jumped is not None and jumped <= FREE_JUMP:
            return True
        return self._is_said("first", trade)

    def check_new_numbering(
        self, trade: Trade, next_id: int, received_us: int, *, is_known: bool
    ) -> None:
        """Look at a trade that is newer than others, with an id that came before theirs.

        It `is_known` where another trade had it, and was not missing.
        """
        self._check_time(trade, None, received_us)
        self._repeats = is_known
        if not self._is_said("numbering", trade, next_id):
            raise self._aside("its id came before, and its time is new", trade)

    def overtakes(self, trade: Trade, next_id: int | None) -> bool:
        """Say whether a trade follows on those of a new numbering, and is beyond the old one.

        Whether the one or the other is true nobody can tell by then; a new numbering proves
        nothing that is not so. One that has the id of a known trade, and is newer, is enough.
        """
        return (
            (self._repeats or self._count >= _AGREEING_IDS)
            and next_id is not None
            and trade.id >= next_id
            and self._follows("numbering", trade)
        )

    def is_after(self, trade: Trade, gap: OpenGap) -> bool:
        """Say whether a trade is far too late for the gap that its id is in."""
        newest_us = self._batcher.newest_us
        until_us = newest_us if gap.until_us is None else gap.until_us
        after_us = self._behind_us
        if self._asks and gap.until_us is not None:  # a trade or a heartbeat said what is after it
            after_us = 0 if until_us <= newest_us else self._margin_us
        return trade.time_us > max(until_us + after_us, newest_us)

    def is_doubted(self, rows: Sequence[Row]) -> bool:
        """Say whether an answer ends with a trade that is doubted: its id is true, then."""
        return self.doubting and any(Mark.of(one).is_shown(rows[-1:]) for one in self._doubted)

    def _check_time(self, trade: Trade, gap: OpenGap | None, received_us: int) -> None:
        batcher = self._batcher
        time_us = trade.time_us
        try:
            self.check_clock(f"trade {trade.id}", time_us, received_us)
        except BadMessage:
            self.doubting = True
            asked_us = batcher.asked_offset_us
            said_us = time_us - received_us
            is_possible = asked_us is None or said_us <= asked_us + self._margin_us + self._ahead_us
            if self._agreeing("ahead", trade) < _AGREEING or not is_possible:
                raise
            batcher.clock = ClockOffset()  # all of them say so, and who was asked does not differ
        after_us = batcher.newest_us if gap is None else gap.since_us
        if not after_us and batcher.asked_offset_us is not None:
            after_us = received_us + batcher.asked_offset_us - self._first_behind_us
            if time_us < after_us - self._behind_us:
                self.wants_time = self._asks  # what it said may have been wrong
        if time_us < after_us - self._behind_us:
            behind_s = (after_us - time_us) // 1_000_000
            problem = f"its time is {behind_s} s before that of the trade it follows on"
            self._put_aside("behind", problem, trade, _AGREEING)
        events_us, said_us = batcher.clock.offset_us, time_us - received_us
        events_us = said_us if events_us is None else max(events_us, said_us)
        self.latest_us = self._offset_beside(events_us) + self._ahead_us

    def check_clock(self, what: str, time_us: int, received_us: int) -> None:
        """Raise BadMessage where a time is ahead of the exchange's clock."""
        offset_us = self._offset_us()
        if offset_us is None:
            if time_us - received_us > _NO_CLOCK_OFF_US:
                self.wants_time = self._asks
                raise BadMessage(
                    f"{self._market}: {what} is put aside: its time {time_us} µs is "
                    f"{(time_us - received_us) / 8.64e10:.1f} days after it came"
                )
            return
        ahead_us = time_us - received_us - offset_us
        if ahead_us > self._ahead_us:
            self.wants_time = self._asks
            raise BadMessage(
                f"{self._market}: {what} is put aside: its time {time_us} µs is "
                f"{ahead_us / 1e6:.1f} s ahead of the exchange's clock"
            )

    def _offset_us(self) -> int | None:
        """Return how far the exchange's clock is ahead at most; None while nobody knows.

        What was asked for counts beside what events say, unless it is far ahead of them: then a
        trade alone cannot go by it, for the answer may have been wrong or be long outdated.
        """
        events_us, asked_us = self._batcher.clock.offset_us, self._batcher.asked_offset_us
        if asked_us is None:
            return events_us
        return asked_us + self._margin_us if events_us is None else self._offset_beside(events_us)

    def _offset_beside(self, events_us: int) -> int:
        """Return how far the exchange's clock is ahead at most, by what events say of it too."""
        asked_us = self._batcher.asked_offset_us
        if asked_us is None:
            return events_us
        asked_us += self._margin_us
        return asked_us if events_us < asked_us <= events_us + self._ahead_us else events_us

    def _is_said(
        self, reason: Literal["jump", "first", "numbering"], trade: Trade, next_id: int = 0
    ) -> bool:
        """Say whether enough trades in a row have such ids, and the exchange, asked, as well."""
        self.doubting = True
        count = self._agreeing(reason, trade)
        if count < _AGREEING_IDS or not self._asks:
            return count >= _AGREEING_IDS
        asked = self._asked
        is_said = asked is not None and asked.id >= self._first_id
        if asked is not None and reason == "numbering":
            is_newer = asked.time_us > self._batcher.newest_us
            is_said = is_said and asked.id < next_id and is_newer
        self.wants_newest = not is_said
        return is_said or count >= _AGREEING_ALONE

    def _put_aside(self, reason: str, problem: str, trade: Trade, enough: int) -> None:
        """Raise BadMessage, unless so many trades in a row say the same."""
        self.doubting = True
        if self._agreeing(reason, trade) < enough:
            raise self._aside(problem, trade)

    def _agreeing(self, reason: str, trade: Trade) -> int:
        """Note a doubted trade; return how many in a row agree by now."""
        follows = self._follows(reason, trade)
        if not follows:
            self._doubted.clear()
        self._doubted.append(trade)
        self._count = self._count + 1 if follows else 1
        self._first_id = self._first_id if follows else first_id(trade)
        self._reason, self._last = reason, trade
        return self._count

    def _follows(self, reason: str, trade: Trade) -> bool:
        """Say whether a trade agrees with the last one that was doubted, for this reason."""
        last = self._last
        return (
            reason == self._reason
            and last is not None
            and self._is_next(last, trade)
            and trade.time_us >= last.time_us
            and last.price / _FACTOR <= trade.price <= last.price * _FACTOR
        )

    def _is_next(self, last: Trade, trade: Trade) -> bool:
        if not self._numbered:
            return trade.id != last.id
        return last.id < trade.id <= last.id + _NEAR_IDS

    def _aside(self, problem: str, trade: Trade) -> BadMessage:
        return BadMessage(f"{self._market}: trade {trade.id} is put aside: {problem}")
