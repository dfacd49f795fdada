"""How past and live trades join: what comes live waits until what is missing before it is had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from marketstream.messages import Gap, Trade
from trades.session.holding import Holding
from trades.session.ids import OpenGap
from trades.session.rules import Known

if TYPE_CHECKING:
    from trades.session.market import MarketSession

_PAST_PATIENCE_US = 60_000_000
NUMBERS_AGAIN = "the exchange has begun its numbers again"
_NOT_GONE_ON_FROM = "a start did not go on from what was known before"


class Joining:
    """Whether the stream goes on from what is known, and what is held back until it does.

    `holding` is what live messages wait in, None while they need not. The past of a start is being
    read while `starting`, and `history` says how far (0 to 1). Where the stream has not `joined`,
    anything may be missing between what is known and what comes.
    """

    def __init__(self, session: MarketSession) -> None:
        self.holding: Holding | None = None
        self.starting = False
        self.history = 1.0
        self.joined = not session.rules.asks
        self._session = session
        self.numbers_again = False  # with the next trade: of those before, nobody knows which
        self._known_until_us = 0  # what comes is held back after that
        self._lost_after: tuple[int, int] | None = None  # id and time, while that is caught up with
        self._in_the_past: list[Gap] = []  # said before, and read once more with what is around it
        if self.joined:
            session.batcher.plausible_us = session.pace.plausible_us

    @property
    def first(self) -> Trade | None:
        """The first trade held back."""
        return None if self.holding is None else self.holding.first

    def join(self) -> None:
        """Note that the stream goes on from what is known."""
        self.joined = True
        self._session.batcher.plausible_us = self._session.pace.plausible_us

    def part(self) -> None:
        """Note that between what is known and what comes anything may be missing."""
        self.joined = False
        self._session.batcher.plausible_us = 0

    def start(self, received_us: int, from_us: int, known: Known) -> None:
        """Hold what comes back until the past is read, from a time or the last known trade on.

        A gap that no known id leads to is given up here: whoever mends what is stored finds it.
        """
        session = self._session
        newest, epoch = known.newest, known.epoch
        gaps = [gap for gap in known.gaps if gap.epoch == epoch]
        last_id = _reach(known.last_id, gaps)
        session.batcher.epoch = session.ledger.epoch = epoch
        self.starting = last_id is None
        self.history = 0.0
        if last_id is not None:
            session.ledger.go_on(last_id, newest, epoch, known.mark)
            session.batcher.newest_us = known.time_us
            for gap in gaps:
                if gap.first_id < gap.end_id <= last_id + 1:
                    session.ledger.open(OpenGap.of(gap, received_us))
                elif gap.first_id < gap.end_id:
                    self._in_the_past.append(gap)
        for gap in known.gaps:
            if gap.epoch != epoch or last_id is None:
                session.publish(replace(gap, state="lost", reason=_NOT_GONE_ON_FROM), 0)
        self._known_until_us = known.time_us or from_us
        goes_on = last_id is not None and from_us <= known.time_us
        self.hold(from_us, session.ledger.ids.next_id if goes_on else None)

    def catch_up(self) -> None:
        """Hold live trades back until what is missing after those that came is fetched.

        Where none has come yet none is missing.
        """
        next_id = self._session.ledger.ids.next_id
        newest_us = self._session.plausibility.known_until_us
        if next_id is None and not newest_us:
            return
        if next_id is not None:
            self._lost_after = next_id, newest_us
        if self.holding is None:
            self._known_until_us = newest_us
        self.hold(newest_us, next_id)

    def hold(self, since_us: int, from_id: int | None = None) -> None:
        """Hold back what comes from now on, until what is missing since a time is fetched.

        `from_id` is the first of its trades, None where nobody knows.
        """
        rules = self._session.rules
        if self.holding is None:
            patience_us = round(rules.hold_s * 1e6)
            if self.starting:
                patience_us = max(patience_us, _PAST_PATIENCE_US)
            self.holding = Holding(round(patience_us * rules.speed))
        self._session.inquiry.catch_up_from(since_us, from_id)

    def pass_before(self, trade_id: int) -> None:
        """Pass on what was held back ahead of an id."""
        if self.holding is not None:
            self.holding.pass_before(trade_id, self._session.publish)

    def pass_all(self) -> None:
        """Pass on what was held back; what comes next waits for what is missing before it."""
        if self.holding is not None:
            self.holding.let_go(self._session.publish)

    def begin_again(self, received_us: int) -> None:
        """Pass on what was held back: what it waits for is of old numbers."""
        if self.holding is not None:
            self.let_go(received_us)
        self._lost_after = None
        self.numbers_again = False

    def number_again(self, received_us: int) -> None:
        """Have a new numbering begin with what is held back, else with the next trade.

        What is known was denied by answers that have what comes. What lies between cannot be had:
        nobody knows how many numberings there were.
        """
        session = self._session
        session.flush(received_us)
        holding, first = self.holding, self.first
        if holding is None or first is None:
            self.numbers_again = session.plausibility.doubting = True
            return
        for gap in self._in_the_past:
            session.publish(replace(gap, state="lost", reason=NUMBERS_AGAIN), 0)
        self._in_the_past.clear()
        self._lost_after, self.numbers_again = None, False
        session.ledger.begin_again_before(first, self._known_until_us, NUMBERS_AGAIN, received_us)
        session.batcher.epoch = session.ledger.epoch
        holding.number_again(session.ledger.epoch)
        self.let_go(received_us)

    def let_go(self, received_us: int) -> None:
        """Pass on what was held back; what is missing before it is a gap from now on."""
        ledger = self._session.ledger
        holding, self.holding = self.holding, None
        self._say_caught_up(holding)
        self.starting, self.history = False, 1.0
        for said in self._in_the_past:
            ledger.had(said)
        self._in_the_past.clear()
        for gap in list(ledger.ids.gaps):
            if not gap.bottom:
                ledger.ids.gaps.remove(gap)  # a past that can't be had, and nobody knows of
            elif not gap.declared:
                ledger.declare(gap)
                gap.ask_at_us = max(gap.ask_at_us, received_us)
        if holding is not None:
            holding.let_go(self._session.publish)

    def _say_caught_up(self, holding: Holding | None) -> None:
        """Say what a lost connection had missed, where all of it was fetched before the rest."""
        lost_after, self._lost_after = self._lost_after, None
        if lost_after is None or holding is None:
            return
        ledger = self._session.ledger
        (first_id, since_us), first = lost_after, holding.first
        end_id = ledger.ids.next_id if holding.end_id is None else holding.end_id
        if end_id is None or end_id <= first_id:
            return
        if not any(gap.end_id > first_id for gap in ledger.ids.gaps):
            until_us = None if first is None else first.time_us
            ledger.caught_up(first_id, end_id, since_us, until_us)


def _reach(last_id: int | None, gaps: Sequence[Gap]) -> int | None:
    """Return the last id that need not be asked for as the past: a gap that follows is a gap."""
    if last_id is None:
        return None
    for gap in sorted(gaps, key=lambda gap: gap.first_id):
        if gap.first_id <= last_id + 1:
            last_id = max(last_id, gap.end_id - 1)
    return last_id
