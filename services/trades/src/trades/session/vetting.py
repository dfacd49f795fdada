"""Whether an answer of REST is of the market and the numbering that it was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from trades.session.pages import first_id, is_of_two
from trades.session.rules import Answer, Ask, Mark, Row

if TYPE_CHECKING:
    from trades.session.market import MarketSession

_MOST_TURNS = 3  # times that answers deny what is known and have what comes: then ids are new
_MOST_LACKED = 5  # answers without a trade that is known, before it is believed that there is none


class Vetting:
    """Holds answers against what is known: they have to begin, or end, with it.

    Where an answer denies what is known, one is `wanted` that has what the stream says now. Where
    it does, three times in turn, the ids have begun again.
    """

    def __init__(self, session: MarketSession) -> None:
        self._session = session
        self._lacked = self._turns = 0
        self._compares = False

    @property
    def wanted(self) -> Mark | None:
        """What an answer is to be asked for, that it may show it; None for nothing."""
        if not self._compares:
            return None
        return self._session.ledger.mark_now(self._session.joining.first)

    def is_ours(self, ask: Ask, answer: Answer) -> bool:
        """Say whether an answer is of this market and numbering, as far as can be told.

        What it lacks again and again, with nothing else in its place, the exchange has not. Where
        it is denied, it may be that the ids have begun again.
        """
        rows, mark = answer.rows, ask.page.mark
        lacking = [known for known in self._known_of(ask, rows) if not known.is_in(rows)]
        if ask.kind != "mark":
            self._lacked = self._lacked + 1 if lacking else 0
        is_denied = any(known.is_denied(rows) for known in lacking)
        is_denied = is_denied or bool(lacking and answer.is_doubtful)
        if self._session.rules.marks and is_of_two(rows, mark):
            self._compares = ask.kind != "mark"
            return False
        if ask.kind == "mark" and lacking:
            self._turns, self._compares = 0, False
        elif ask.kind in ("past", "gap") and is_denied:
            self._compares = True
        is_ours = not lacking or (self._lacked > _MOST_LACKED and not is_denied)
        if is_ours and ask.kind != "mark" and mark is not None and mark.is_shown(rows):
            self._turns, self._compares = 0, False
        return is_ours

    def begins_again(self, ask: Ask, rows: Sequence[Row]) -> bool:
        """Say whether the ids have begun again, by an answer to what was wanted."""
        mark = ask.page.mark
        self._compares = False
        self._turns += mark is not None and mark.is_shown(rows)
        if self._turns < _MOST_TURNS:
            return False
        self._turns = 0
        return True

    def shown(self, ask: Ask, answer: Answer) -> Answer:
        """Return an answer without the last before what comes after, where that is not in it yet.

        Until it is, nobody knows that the ids did not begin again between the two.
        """
        after, rows = self._after(ask), answer.rows
        if after is None or not rows or not self._session.rules.marks:
            return answer
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
