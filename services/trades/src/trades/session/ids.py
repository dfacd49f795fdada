"""Which trade ids of a market are known, and which are missing between them."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, field

from marketstream.messages import Gap, GapState
from trades.session.rules import Mark, Page, Rules

MOST_GAPS = 5_000
TOO_MANY = "more gaps at once than are kept; its candles are made anew from the exchange's history"


@dataclass(slots=True, eq=False)
class OpenGap:
    """Ids `[first_id, end_id)` that were jumped over, and what of them is still missing.

    Times are the exchange's, `seen_us` and `ask_at_us` those of our clock: when it showed, and when
    to ask for it. `denied` counts the answers that should have had its trades and did not, and
    `page` is where to go on asking; `mark` is the trade before it, where that is known, and
    `after` the one after it, where answers have to show that they go on to it. Nobody was told of
    one that is not `declared`. Of one without a `bottom` the first id is not known: it is the past
    from a time on. What was missed between two connections is `awaited` by the live trades.
    """

    first_id: int
    end_id: int
    since_us: int
    until_us: int | None
    seen_us: int
    declared: bool = False
    bottom: bool = True
    awaited: bool = False
    denied: int = 0
    ask_at_us: int = 0
    page: Page | None = None
    mark: Mark | None = None
    after: Mark | None = None
    left: list[range] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.left:
            self.left = [range(self.first_id, self.end_id)]

    @classmethod
    def of(cls, gap: Gap, now_us: int) -> OpenGap:
        """Return one that was said before, to be asked for now."""
        first_id, end_id, since_us, until_us = gap.first_id, gap.end_id, gap.since_us, gap.until_us
        one = cls(first_id, end_id, since_us, until_us, now_us, declared=True)
        one.ask_at_us = now_us
        return one

    def next_page(self, rules: Rules) -> Page:
        """Return what to ask for next."""
        if self.page is not None:
            return self.page
        from_id = self.left[0].start if self.bottom else None
        return rules.page_from(from_id, self.since_us, self.mark)

    @property
    def missing(self) -> int:
        """How many of its trades have not come; none can be counted where it has no bottom."""
        return sum(map(len, self.left)) if self.bottom else 0

    def said(self, market: str, epoch: int, state: GapState, reason: str | None = None) -> Gap:
        """Return the message about it."""
        return Gap(
            market, self.first_id, self.end_id, self.since_us, self.until_us, state, reason, epoch
        )

    def parts(self, first_id: int, last_id: int) -> list[range]:
        """Return what is missing from one id to another, both included."""
        return [
            range(max(part.start, first_id), min(part.stop, last_id + 1))
            for part in self.left
            if part.start <= last_id and part.stop > first_id
        ]

    def remove(self, ids: range) -> None:
        """Note that ids have come, all of which were missing."""
        left = []
        for part in self.left:
            if part.start < ids.stop and part.stop > ids.start:
                left += [range(part.start, ids.start), range(ids.stop, part.stop)]
            else:
                left.append(part)
        self.left = [part for part in left if part]


class TradeIds:
    """The ids of one numbering: all before `next_id` are known but for the gaps.

    `next_id` is None before any is known.
    """

    def __init__(self, next_id: int | None = None) -> None:
        self.next_id = next_id
        self.gaps: list[OpenGap] = []  # in the order of their ids, apart from each other
        self._unseen_end: int | None = None

    @property
    def missing(self) -> int:
        """How many trades are missing."""
        return sum(gap.missing for gap in self.gaps)

    @property
    def ends_unseen(self) -> bool:
        """Whether the newest ids are known of, and their trades have not come."""
        return self._unseen_end is not None and self._unseen_end == self.next_id

    def open_at_end(self, gap: OpenGap) -> None:
        """Note a gap after all that is known, up to the newest id there is."""
        self.next_id = self._unseen_end = gap.end_id

    def open(self, gap: OpenGap) -> OpenGap | None:
        """Note a gap; return the oldest, to be given up, where there are too many."""
        insort(self.gaps, gap, key=_first_id)
        return self.gaps.pop(0) if len(self.gaps) > MOST_GAPS else None

    def find(self, trade_id: int) -> OpenGap | None:
        """Return the gap an id is missing in."""
        at = bisect_right(self.gaps, trade_id, key=_first_id) - 1
        if at < 0 or not self.gaps[at].parts(trade_id, trade_id):
            return None
        return self.gaps[at]

    def between(self, first_id: int, last_id: int) -> Iterator[tuple[OpenGap, range]]:
        """Yield what is missing from one id to another, both included, in order."""
        at = max(0, bisect_right(self.gaps, first_id, key=_first_id) - 1)
        while at < len(self.gaps) and self.gaps[at].first_id <= last_id:
            gap = self.gaps[at]
            for part in gap.parts(first_id, last_id):
                yield gap, part
            at += 1

    def fill(self, gap: OpenGap, ids: range) -> bool:
        """Note that missing ids have come; say whether that closes their gap."""
        gap.remove(ids)
        if gap.left:
            return False
        self.gaps.remove(gap)
        if gap.end_id == self._unseen_end:
            self._unseen_end = None
        return True


def _first_id(gap: OpenGap) -> int:
    return gap.first_id
