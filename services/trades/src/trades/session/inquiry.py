"""What a session asks of the exchange by REST, and what the answers mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from marketstream.messages import Trade
from trades.session.ids import OpenGap
from trades.session.ledger import TOO_LONG_AGO
from trades.session.pages import first_id, message_of, messages_of
from trades.session.plausibility import CLOCK_MARGIN_US
from trades.session.rules import Answer, Ask, Page, Row
from trades.session.vetting import Vetting

if TYPE_CHECKING:
    from trades.session.market import MarketSession

_BACKOFF_FIRST_US, _BACKOFF_MOST_US = 250_000.0, 10_000_000.0
_AGAIN_US = 250_000
_POLL_US = 1_000_000
_UNBELIEVED_US = 2_000_000  # in which other gaps have their turn
_FIRST_PRICE_US = 3_000_000  # until a past is read that nothing beside it speaks for
_ZOMBIE_US = 1_000_000  # after which the stream has what REST has, or never will
_DROP_AGAIN_US = 30_000_000  # a connection that is given up so soon again is not what is wrong


class Inquiry:
    """Asks for one thing at a time, the most urgent first.

    What live trades wait for comes first, then whether a silence is true, then the gaps.
    """

    def __init__(self, session: MarketSession) -> None:
        self._session = session
        self._scale = session.rules.speed
        self._denied_wait_us = [
            seconds * 1e6 * self._scale for seconds in session.rules.denied_wait_s
        ]
        self._page = Page()
        self._is_first_page = True
        self._past_from_us = self._past_until_us = 0  # the past that a start reads
        self._unseen_until_us = 0
        self._ask_at_us = self._newest_at_us = self._time_at_us = 0
        self._failures = self._time_failures = 0
        self._vetting = Vetting(session)
        self._rest_lag_us = 0
        self._dropped_us: int | None = None
        self._told: tuple[int, int] | None = None  # an id that REST has, and since when we know
        self._reached_us: int | None = None  # when there was no more to be had of the past

    def begin(self, from_us: int, until_us: int, received_us: int) -> None:
        """Note which past is to be read.

        Where no price is known, by which another market's trades would show, that waits a moment
        for what the stream says first.
        """
        self._past_from_us, self._past_until_us = from_us, until_us
        if self._session.price is None:
            self._unseen_until_us = received_us + round(_FIRST_PRICE_US * self._scale)

    def hurry(self, received_us: int) -> None:
        """Ask at once."""
        self._ask_at_us = min(self._ask_at_us, received_us)

    def catch_up_from(self, since_us: int, from_id: int | None = None) -> None:
        """Ask for what is missing since a time, from an id on where that is known."""
        mark = None if from_id is None else self._session.ledger.mark_before(from_id)
        self._begin_at(self._session.rules.page_from(from_id, since_us, mark))
        self._reached_us = None

    def _begin_at(self, page: Page) -> None:
        self._page, self._is_first_page = page, True

    def ask(self, received_us: int) -> Ask | None:
        """Return what should be asked now, None while there is nothing."""
        ask = self._most_urgent(received_us)
        return None if ask is None else ask._replace(epoch=self._session.ledger.epoch)

    def _most_urgent(self, received_us: int) -> Ask | None:
        session = self._session
        if not session.rules.asks or received_us < self._ask_at_us:
            return None
        if not session.plausibility.wants_time:
            self._time_failures = 0
        elif received_us >= self._time_at_us:
            return Ask("time")
        elif session.exchange_ms(received_us) is None:
            return None  # nothing that is asked could be held against any clock
        if session.price is None and received_us < self._unseen_until_us:
            return None
        if session.plausibility.wants_newest and received_us >= self._newest_at_us:
            return Ask("newest")
        if (mark := self._vetting.want()) is not None:
            return Ask("mark", session.rules.page_from(mark.id, mark.at_us, mark))
        if session.joining.holding is not None:
            if self._reached_us is not None and received_us >= self._newest_at_us:
                return Ask("newest")
            if session.is_connected or session.joining.starting:
                return Ask("past", self._page)
            return None
        batcher = session.batcher
        is_due = received_us >= self._newest_at_us and batcher.newest_us
        if is_due and batcher.doubt_us(received_us):
            return Ask("newest")
        return self._ask_for_gaps(received_us)

    def _ask_for_gaps(self, received_us: int) -> Ask | None:
        """Ask for the newest gap, and with it for those that the same page holds."""
        gaps = self._session.ledger.ids.gaps
        due = [gap for gap in gaps if gap.bottom and gap.ask_at_us <= received_us]
        if not due:
            return None
        from_id = due[-1].end_id - self._session.rules.page_trades
        gap = next(gap for gap in due if gap is due[-1] or gap.first_id >= from_id)
        return Ask("gap", self._next_page(gap))

    def _next_page(self, gap: OpenGap) -> Page:
        return self._session.ledger.next_page(gap, self._session.rules)

    def failed(self, ask: Ask, received_us: int, retry_after_s: float) -> None:
        """Note that there was no answer that makes sense."""
        retry_after_us = round(retry_after_s * 1e6 * self._scale)
        if ask.kind == "time":  # all else goes on without, if the stream told the time
            self._time_at_us = received_us + self._wait_us(self._time_failures)
            self._time_failures += 1
            self._ask_at_us = received_us + retry_after_us
        else:
            wait_us = max(self._wait_us(self._failures), retry_after_us)
            self._failures += 1
            self._ask_at_us = received_us + wait_us

    def _wait_us(self, failures: int) -> int:
        wait_us = min(_BACKOFF_FIRST_US * 2.0 ** min(failures, 16), _BACKOFF_MOST_US)
        return round(wait_us * self._scale)

    def answered(self, ask: Ask, answer: Answer, received_us: int) -> bool:
        """Take in an answer; say whether it has what is known of it, and so is believed."""
        rules, rows, mark = self._session.rules, answer.rows, ask.page.mark
        if ask.epoch != self._session.ledger.epoch:
            self._ask_at_us = received_us  # ids began again meanwhile, and mean something else now
            return True
        if not self._vetting.is_ours(ask, answer):
            self._put_off(ask, received_us)
            return False
        if ask.kind == "mark":
            self._compared(ask, rows, received_us)
            return True
        if self._vetting.is_confirmed:
            self._session.joining.numbers_again = False
        if mark is not None and ask.page.page_id is not None:
            rows = [row for row in rows if row.trade.id > mark.id]
            answer = answer._replace(rows=rows)
        answer = self._vetting.shown(ask, answer)
        rows = answer.rows
        begins_late = rules.only_newest and len(rows) >= rules.page_trades
        if rules.only_newest:
            answer = answer._replace(is_full=False)  # there is no page after it
        self._ask_at_us = received_us
        if rows:
            self._session.plausibility.newest_is(rows[-1].trade)
        if ask.kind == "newest":
            self._judge(rows, received_us, answer.asked_us)
        elif ask.kind == "gap":
            self._mend(ask, answer, received_us)
        elif self._session.joining.holding is not None:
            self._catch_up(ask, answer, received_us)
        if begins_late and ask.kind in ("gap", "past"):
            self._session.ledger.lose_before(rows[0].trade, rules.beyond_the_past)
        if answer.is_doubtful:
            self.failed(ask, received_us, 0.0)
        else:
            self._failures = 0
        return True

    def _put_off(self, ask: Ask, received_us: int) -> None:
        """Ask again later for what an answer that is not believed should have had."""
        asked = self._asked_of(ask, received_us) if ask.kind == "gap" else []
        if self._vetting.want() is None:
            self.failed(ask, received_us, 0.0)
            wait_us = _UNBELIEVED_US
        else:
            self._ask_at_us, wait_us = received_us, _AGAIN_US
        for gap in asked:
            gap.ask_at_us = received_us + round(wait_us * self._scale)

    def _compared(self, ask: Ask, rows: Sequence[Row], received_us: int) -> None:
        """Take in an answer that was asked for what comes, as another denied what is known."""
        if not self._vetting.is_compared(ask, rows):
            self.failed(ask, received_us, 0.0)
            return
        self._failures, self._ask_at_us = 0, received_us
        if self._vetting.begins_again:
            self._session.joining.number_again(received_us)

    def _judge(self, rows: Sequence[Row], received_us: int, asked_us: int) -> None:
        """Tell a quiet market from a connection that left something out."""
        session, batcher = self._session, self._session.batcher
        self._newest_at_us = received_us + round(_POLL_US * self._scale)
        next_id = session.ledger.ids.next_id
        if not rows or next_id is None:
            return
        newest = rows[-1].trade
        self._reached_us = None
        if newest.id == next_id - 1:
            if not (session.ledger.ids.ends_unseen or session.plausibility.doubting):
                self._prove(asked_us)
            if session.joining.holding is not None and session.joining.holding.first is None:
                session.joining.join()
                session.joining.let_go(received_us)
        elif newest.id < next_id and newest.time_us > batcher.newest_us:
            return  # its numbers have begun again: nothing is proven until the stream says so too
        elif newest.id < next_id:
            self._rest_lag_us = max(self._rest_lag_us, batcher.newest_us - newest.time_us)
        elif session.joining.holding is not None:
            return
        elif self._told is None or self._told[0] < next_id:
            self._told = (newest.id, received_us)
            self._newest_at_us = received_us + round(_AGAIN_US * self._scale)
        elif received_us - self._told[1] > _ZOMBIE_US * self._scale:
            self._told = None
            self._give_up_connection(received_us)

    def _give_up_connection(self, received_us: int) -> None:
        """Fetch what a connection leaves out, and have another made, unless that was no use."""
        session, batcher = self._session, self._session.batcher
        dropped_us = self._dropped_us
        is_use = dropped_us is None or received_us - dropped_us > _DROP_AGAIN_US * self._scale
        if session.is_connected and is_use:  # the next connection is not this one's fault
            session.drop = f"{session.market} trades at the exchange, and nothing of it comes"
            self._dropped_us = received_us
        session.stalls.begin("trades", batcher.seen_until_us)
        session.stalls.end("zombie", batcher.seen_until_us)
        session.joining.part()
        session.joining.catch_up()

    def _prove(self, asked_us: int) -> None:
        """Note that the exchange, asked at a time, knew no more than we do."""
        batcher, offset_us = self._session.batcher, self._session.plausibility.sure_offset_us
        if offset_us is not None:
            margin_us = CLOCK_MARGIN_US * self._scale + 2 * self._rest_lag_us
            proven_us = round(asked_us + offset_us - margin_us)
            batcher.proven_until_us = max(batcher.proven_until_us, proven_us)

    def _catch_up(self, ask: Ask, answer: Answer, received_us: int) -> None:
        """Publish what is missing before what is held back; let that go once nothing is."""
        session, rows = self._session, answer.rows
        end_id = None if session.joining.holding is None else session.joining.holding.end_id
        # Of what lies beyond the live trades nothing is asked: the stream brings it.
        ours = [row for row in rows if end_id is None or first_id(row.trade) < end_id]
        if ours:
            self._page = session.rules.page_after(ask.page, ours[-1], is_full=answer.is_full)
            session.ledger.note_bottom(ours[0].trade)
            is_first, self._is_first_page = self._is_first_page, False
            if is_first:
                session.ledger.forget_before(ours[0].trade, self._past_from_us)
            self._publish_past([row.trade for row in ours], end_id, received_us)
        if ours and len(ours) == len(rows) and answer.is_full:
            return
        self._ask_at_us = received_us + round(_AGAIN_US * self._scale)
        if end_id is not None:
            awaited = [gap for gap in session.ledger.ids.gaps if gap.awaited and not gap.declared]
            if not awaited and session.joining.joined:
                session.joining.let_go(received_us)
            elif not awaited:  # the connection was lost once more, and the next one is silent yet
                session.joining.pass_all()
                self.catch_up_from(session.batcher.newest_us, session.ledger.ids.next_id)
                self._ask_at_us = received_us
            elif awaited[0].first_id >= end_id:  # the connection was lost once more
                session.joining.pass_before(awaited[0].first_id)
                self._begin_at(self._next_page(awaited[0]))
                self._ask_at_us = received_us
            elif len(ours) < len(rows) or not ours:  # REST is behind, or left something out
                self._begin_at(self._next_page(awaited[0]))
            return
        if session.is_connected and received_us - session.connected_us > _POLL_US * self._scale:
            self._reached_us = received_us

    def _publish_past(self, trades: list[Trade], end_id: int | None, received_us: int) -> None:
        session, batcher = self._session, self._session.batcher
        repaired = session.ledger.repaired
        fresh = session.ledger.unseen(trades, end_id, self._jumped)
        if session.joining.history >= 1:  # a connection has missed them, not a start
            session.ledger.repaired = repaired + sum(trade.count for trade in fresh)
        base_us = session.rules.base_ms * 1_000
        spread_us = session.rules.past_resolution_ms * 1_000
        for message in messages_of(session.market, fresh, base_us, session.ledger.epoch, spread_us):
            session.publish(message, 0)
        if fresh:
            newest_us = fresh[-1].time_us
            session.note_pace(fresh, newest_us)
            if end_id is None:
                batcher.newest_us = max(batcher.newest_us, newest_us)
            if session.joining.holding is not None:
                session.joining.holding.progress(received_us)
        if self._past_until_us > self._past_from_us and session.joining.history < 1:
            passed_us = trades[-1].time_us - self._past_from_us
            share = passed_us / (self._past_until_us - self._past_from_us)
            session.joining.history = max(0.0, min(0.99, share))

    def _jumped(self, trade: Trade, before: Trade | None) -> None:
        """Note that the exchange itself leaves ids out of what it gives."""
        ledger = self._session.ledger
        next_id = ledger.ids.next_id
        if next_id is None:
            return
        since_us = self._session.batcher.newest_us if before is None else before.time_us
        gap = OpenGap(next_id, first_id(trade), since_us, trade.time_us, 0, denied=1)
        ledger.open(gap)
        if self._session.rules.only_newest:
            ledger.give_up(gap, self._session.rules.beyond_the_past)
        elif since_us < self._past_from_us:
            ledger.give_up(gap, TOO_LONG_AGO)
        else:
            ledger.declare(gap)

    def _mend(self, ask: Ask, answer: Answer, received_us: int) -> None:
        """Publish what of an answer was missing among what came; count what it lacks."""
        session, ledger, rows = self._session, self._session.ledger, answer.rows
        asked = self._asked_of(ask, received_us)
        trades = [row.trade for row in rows]
        fresh = ledger.unseen(trades, ledger.ids.next_id, self._jumped)
        if fresh:
            # In one message: what can be said of candles changes once, not with each trade.
            spread_us = session.rules.past_resolution_ms * 1_000
            session.publish(message_of(session.market, fresh, ledger.epoch, spread_us), 0)
        is_last = not (answer.is_full and rows)
        reached_id = trades[-1].id if trades else -1
        for gap in asked:
            if not gap.left or answer.is_doubtful:
                continue
            if is_last or gap.left[-1].stop - 1 <= reached_id:
                ledger.deny(gap, received_us, self._denied_wait_us)
            elif gap.left[0].start <= reached_id or gap is asked[0]:
                gap.page = session.rules.page_after(ask.page, rows[-1], is_full=True)

    def _asked_of(self, ask: Ask, received_us: int) -> list[OpenGap]:
        """Return the gaps that an answer should have something of."""
        gaps, rules = self._session.ledger.ids.gaps, self._session.rules
        due = [gap for gap in gaps if gap.bottom and gap.ask_at_us <= received_us]
        asked = ask.page
        return [
            gap
            for gap in due
            if (page := gap.next_page(rules)).page_id == asked.page_id
            and page.from_ms >= asked.from_ms
        ]
