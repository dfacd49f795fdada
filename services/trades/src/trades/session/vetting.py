"""Whether an answer of REST is of the market and the numbering that it was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from trades.session.pages import first_id, is_of_two
from trades.session.rules import Answer, Ask, Mark, Row

if TYPE_CHECKING:
    from trades.session.market import MarketSession

_MOST_TURNS = 6  # times that answers deny what is known and have what comes: then ids are new
_MOST_LACKED = 5  # answers without a trade that is known, before it is believed that there is none


class Vetting:
    """Holds answers against what is known: they have to begin, or end, with it.

    Where an answer denies what is known, one is wanted that has what the stream says now. Where
    it does, some times in turn, the ids have begun again. `is_confirmed` says that the last answer
    has what is known.
    """

    def __init__(self, session: MarketSession) -> None:
        self._session = session
        self._lacked = self._turns = self._epoch = 0
        self._compares = self.is_confirmed = False
        self._kept: Mark | None = None  # what is wanted, until an answer has it or denies it

    def want(self) -> Mark | None:
        """Return what an answer is to be asked for, that it may show it; None for nothing.

        While what comes is awaited there is nothing to hold against what is known.
        """
        self._renew()
        joining = self._session.joining
        if joining.holding is not None and joining.first is None:
            self._settle()
        if self._compares and self._kept is None:
            self._kept = self._session.ledger.mark_now(joining.first)
        return self._kept if self._compares else None

    @property
    def begins_again(self) -> bool:
        """Whether the ids have begun again."""
        return self._turns >= _MOST_TURNS

    def is_ours(self, ask: Ask, answer: Answer) -> bool:
        """Say whether an answer is of this market and numbering, as far as can be told.

        What it lacks again and again, with nothing else in its place, the exchange has not. Where
        it is denied, it may be that the ids have begun again, but for an answer that has what it
        begins with: then it may be a trade of the stream that was wrong.
        """
        self._renew()
        rows, mark = answer.rows, ask.page.mark
        if self._session.rules.marks and is_of_two(rows, mark):
            self._compares = ask.kind != "mark"
            return False
        lacking = [known for known in self._known_of(ask, rows) if not known.is_in(rows)]
        if ask.kind == "mark":
            if lacking:
                self._settle()
            return not lacking
        self.is_confirmed = mark is not None and mark.is_shown(rows)
        self._lacked = self._lacked + 1 if lacking else 0
        is_denied = any(known.is_denied(rows) for known in lacking)
        is_denied = is_denied or bool(lacking and answer.is_doubtful)
        if self.is_confirmed:
            self._settle()
            is_denied = answer.is_doubtful
        elif ask.kind in ("past", "gap") and is_denied:
            self._compares = True
        return not lacking or (self._lacked > _MOST_LACKED and not is_denied)

    def is_compared(self, ask: Ask, rows: Sequence[Row]) -> bool:
        """Say whether an answer to what was wanted goes so far; it counts, then."""
        if ask.page.mark is None or not ask.page.mark.is_shown(rows):
            return False
        self._compares, self._kept = False, None
        self._turns += 1
        return True

    def _renew(self) -> None:
        """Begin anew where ids have begun again."""
        if self._epoch != self._session.ledger.epoch:
            self._epoch, self._lacked = self._session.ledger.epoch, 0
            self._settle()

    def _settle(self) -> None:
        """Take nothing that was denied for a sign of other ids."""
        self._turns, self._compares, self._kept = 0, False, None

    def shown(self, ask: Ask, answer: Answer) -> Answer:
        """Return an answer without the last before what comes after, where that is not in it yet.

        Until it is, nobody knows that the ids did not begin again between the two. Of a past that
        begins with nothing known it alone shows whose the trades are.
        """
        after, rows = self._after(ask), answer.rows
        if after is None or not rows or not self._session.rules.marks:
            return answer
        if ask.kind == "past" and ask.page.mark is None and not answer.is_full:
            return answer if after[1].is_shown(rows) else answer._replace(rows=[])
        ends_before = rows[-1].trade.id == after[0] - 1
        return answer._replace(rows=rows[:-1]) if ends_before else answer

    def _known_of(self, ask: Ask, rows: Sequence[Row]) -> Iterator[Mark]:
        """Yield what rows have to have, if they go so far: what they begin and end with."""
        session, mark = self._session, ask.page.mark
        if mark is not None:
            yield mark
        if not session.rules.marks or not rows:
            return
        if (after := self._after(ask)) is not None:
            yield after[1]
        if ask.kind == "newest" and not session.plausibility.is_doubted(rows):
            mark = session.ledger.mark(rows[-1].trade.id)
            if mark is not None:
                yield mark

    def _after(self, ask: Ask) -> tuple[int, Mark] | None:
        """Return the trade after what is asked for, where answers have to go on to it."""
        session = self._session
        if ask.kind == "past" and (first := session.joining.first) is not None:
            return first_id(first), Mark.of(first)
        for gap in session.ledger.ids.gaps if ask.kind == "gap" else ():
            if gap.after is not None and gap.bottom and gap.next_page(session.rules) == ask.page:
                return gap.end_id, gap.after
        return None
