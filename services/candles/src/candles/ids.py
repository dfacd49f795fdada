"""Which trade ids have come, and which are missing between them."""

from __future__ import annotations

from bisect import bisect_right, insort
from enum import Enum

import msgspec

from marketstream.messages import Trade

_MOST_GAPS = 1_000


class Arrival(Enum):
    """What a trade is by its id: the newest, one that was missing, or one that came before."""

    NEW = "new"
    MISSED = "missed"
    KNOWN = "known"


class Gap(msgspec.Struct, frozen=True, array_like=True):
    """Ids missing between two trades, and the times in µs of the one before and the one after."""

    first_id: int
    last_id: int
    before_us: int
    after_us: int

    @property
    def count(self) -> int:
        """How many ids are missing."""
        return self.last_id - self.first_id + 1

    @property
    def stretch(self) -> tuple[int, int]:
        """The time in which its trades happened, both ends included: ids may be out of step."""
        return (
            (self.before_us, self.after_us)
            if self.before_us <= self.after_us
            else (self.after_us, self.before_us)
        )


type IdsState = tuple[int, int, int | None, list[Gap], int, int, tuple[int, int]]


class TradeIds:
    """The ids of one market, each following on the one before.

    An id missing between two trades may have traded at any moment between them. What is known does
    not depend on the order in which trades came. Only the newest 1,000 gaps are kept. A lower id
    than the first that came counts where it traded after watching began: of what opened up to then
    nobody can say what else is missing.
    """

    def __init__(self) -> None:
        self.last_id = -1
        self.last_us = 0
        self.epoch = 0
        self.numbered = True
        """Whether ids number the trades one by one; where not, they cannot prove anything."""
        self.certain_from_us: int | None = None
        """Of what opened before, nobody can say what is missing; None before watching began."""
        self.said_us = 0
        """Before this the exchange knows of no trade but those that came, or are missing here."""
        self._first: tuple[int, int] = (0, 0)
        """Id and time of the first that came; what is lower had come before watching began."""
        self._gaps: list[Gap] = []
        self._changed: list[tuple[int, int]] = []

    def add(self, trade: Trade) -> Arrival:
        """Note a trade, of all its ids: one that overlaps with what is known is known itself."""
        first_id = trade.id - trade.count + 1
        if self.last_id < 0:
            self._first = first_id, trade.time_us
        if first_id > self.last_id:
            if 0 <= self.last_id < first_id - 1:
                self._open(Gap(self.last_id + 1, first_id - 1, self.last_us, trade.time_us))
            self.last_id, self.last_us = trade.id, trade.time_us
            return Arrival.NEW
        if trade.id < self._first[0]:
            return self._add_before_first(trade)
        at = bisect_right(self._gaps, first_id, key=_first_id) - 1
        if at < 0 or self._gaps[at].last_id < trade.id:
            return Arrival.KNOWN
        gap = self._gaps[at]
        self._changed.append(gap.stretch)
        parts = (
            Gap(gap.first_id, first_id - 1, gap.before_us, trade.time_us),
            Gap(trade.id + 1, gap.last_id, trade.time_us, gap.after_us),
        )
        self._gaps[at : at + 1] = [part for part in parts if part.count]
        self._changed += [part.stretch for part in parts if part.count]
        return Arrival.MISSED

    def _add_before_first(self, trade: Trade) -> Arrival:
        """Note a trade with a lower id than the first: known where watching began after it."""
        if self.certain_from_us is None or trade.time_us < self.certain_from_us:
            return Arrival.KNOWN
        self._changed.append((self.certain_from_us, trade.time_us))
        self.certain_from_us = trade.time_us + 1
        gap = Gap(trade.id + 1, self._first[0] - 1, trade.time_us, self._first[1])
        if gap.count:
            self._open(gap)
        self._first = trade.id - trade.count + 1, trade.time_us
        return Arrival.MISSED

    @property
    def proven_us(self) -> int:
        """The time before which nothing more is to come but ids that are missing here."""
        return max(self.last_us, self.said_us)

    def begin_again(self, epoch: int, seam_us: int) -> None:
        """Begin another numbering: nobody can say what is missing between the two, or in both.

        `seam_us` is the later of the old one's last trade and the new one's first.
        """
        self.epoch = epoch
        self.last_id = -1
        self._gaps.clear()
        self.certain_from_us = seam_us + 1

    def missing(self, open_us: int, end_us: int) -> int | None:
        """Return how many missing ids may belong to an interval; None where nobody can say."""
        if self.certain_from_us is None or open_us < self.certain_from_us:
            return None
        count = 0
        for gap in self._gaps:
            from_us, to_us = gap.stretch
            if from_us < end_us and to_us >= open_us:
                count += gap.count
        return count

    def take_changed(self) -> list[tuple[int, int]]:
        """Return the stretches of time in which what is missing has changed since last asked.

        Those that overlap are put together: the many trades of one gap change one stretch.
        """
        changed, self._changed = sorted(self._changed), []
        merged: list[tuple[int, int]] = []
        for from_us, to_us in changed:
            if merged and from_us <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], to_us))
            else:
                merged.append((from_us, to_us))
        return merged

    def _open(self, gap: Gap) -> None:
        insort(self._gaps, gap, key=_first_id)
        self._changed.append(gap.stretch)
        if len(self._gaps) > _MOST_GAPS:
            forgotten_us = self._gaps.pop(0).stretch[1] + 1
            if self.certain_from_us is None or self.certain_from_us < forgotten_us:
                self.certain_from_us = forgotten_us

    def state(self) -> IdsState:
        """Return everything needed to go on elsewhere."""
        return (
            self.last_id, self.last_us, self.certain_from_us, self._gaps, self.epoch, self.said_us,
            self._first,
        )  # fmt: skip

    @classmethod
    def from_state(cls, state: IdsState) -> TradeIds:
        """Return the ids that `state` was taken of."""
        ids = cls()
        (
            ids.last_id, ids.last_us, ids.certain_from_us, ids._gaps, ids.epoch, ids.said_us,
            ids._first,
        ) = state  # fmt: skip
        return ids


def _first_id(gap: Gap) -> int:
    return gap.first_id
