"""The one ledger of a market: which trades are known by whatever way, and which are missing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from marketstream.messages import Gap, GapState, Trade
from trades.session.ids import TOO_MANY, OpenGap, TradeIds
from trades.session.pages import cut_down, first_id, quantities_of
from trades.session.rules import Mark, Page, Rules

TOO_LONG_AGO = "not in what was read of the past"

_RECENT_TRADES = 1_000  # an aggregate of more fills than these is not cut


class Ledger:
    """The ids of a market in one numbering, and what was said of its gaps by `say`.

    `opened` counts the gaps that were said, `repaired` trades that came by REST though they were
    missing, `given_up` those that can't be had, of `lost_gaps`.
    """

    def __init__(self, market: str, say: Callable[[Gap], None]) -> None:
        self.market = market
        self.epoch = 0
        self.ids = TradeIds()
        self.opened = self.repaired = self.given_up = self.lost_gaps = 0
        self._recent: deque[Trade] = deque(maxlen=_RECENT_TRADES)
        self._recalled: Mark | None = None
        self._say = say

    @property
    def missing(self) -> int:
        """How many trades are missing, those that were given up too."""
        return self.ids.missing + self.given_up

    def go_on(
        self, last_id: int, newest: Sequence[Trade], epoch: int, mark: Mark | None = None
    ) -> None:
        """Begin after trades that are known already; `mark` is the last of them."""
        self.ids, self.epoch = TradeIds(last_id + 1), epoch
        self._recent.extend(newest)
        self._recalled = mark

    def remember(self, trades: Sequence[Trade]) -> None:
        """Keep trades for as long as aggregates of REST may have to be cut by them."""
        self._recent.extend(trades)

    def mark(self, trade_id: int) -> Mark | None:
        """Return by what an answer shows that it has a trade; None where nobody knows (any more).

        Aggregates count for the trades they hold.
        """
        for trade in reversed(self._recent):
            if first_id(trade) <= trade_id <= trade.id:
                return Mark.of(trade)._replace(id=trade_id)
        recalled = self._recalled
        return recalled if recalled is not None and recalled.id == trade_id else None

    def next_page(self, gap: OpenGap, rules: Rules) -> Page:
        """Return what to ask for next of a gap."""
        if gap.mark is None and gap.bottom:
            gap.mark = self.mark_before(gap.first_id)
        return gap.next_page(rules)

    def mark_before(self, trade_id: int) -> Mark | None:
        """Return that of the newest trade that is known before an id, be it not the one before."""
        before = [trade for trade in self._recent if trade.id < trade_id]
        if before:
            return Mark.of(max(before, key=lambda trade: trade.id))
        recalled = self._recalled
        return recalled if recalled is not None and recalled.id < trade_id else None

    def mark_now(self, first: Trade | None) -> Mark | None:
        """Return that of what comes: of the first trade held back, or of the one that came last."""
        if first is None and self._recent:
            first = self._recent[-1]
        return None if first is None else Mark.of(first)

    def begin_again_before(
        self, trade: Trade, since_us: int, reason: str, received_us: int
    ) -> None:
        """Begin a new numbering with a trade that came already: those after it are of it too."""
        first, next_id = first_id(trade), self.ids.next_id
        later = [gap for gap in self.ids.gaps if gap.first_id > trade.id]
        recent = [one for one in self._recent if one.id >= trade.id and one.time_us > since_us]
        for gap in later:
            if not gap.declared:
                self.ids.gaps.remove(gap)
        self.begin_again(trade, since_us, reason)
        self._recent.extend(recent)
        self.ids.next_id = max(first, next_id or first)
        for gap in later:
            one = OpenGap(gap.first_id, gap.end_id, gap.since_us, gap.until_us, received_us)
            one.left, one.ask_at_us, one.awaited = gap.left, received_us, gap.awaited
            one.after = gap.after
            self.open(one)

    def begin_again(self, trade: Trade, since_us: int, reason: str) -> None:
        """Begin a new numbering with a trade; what was missing of the old one cannot be had."""
        for gap in list(self.ids.gaps):
            self.give_up(gap, reason)
        seam = self.ids.next_id or 0
        self._say(Gap(self.market, seam, seam, since_us, trade.time_us, "lost", reason, self.epoch))
        self.epoch += 1
        self.ids = TradeIds(first_id(trade))
        self._recent.clear()
        self._recalled = None

    def open(self, gap: OpenGap) -> None:
        """Note a gap; the oldest is given up where there are too many."""
        self.opened += gap.declared
        oldest = self.ids.open(gap)
        if oldest is not None:
            self._lose(oldest, TOO_MANY)

    def past_before(self, trade: Trade, since_us: int, received_us: int) -> None:
        """Note that a past is read whose last trade is before this one, and its first not known."""
        gap = OpenGap(0, first_id(trade), since_us, trade.time_us, received_us)
        gap.bottom, gap.awaited, gap.after = False, True, Mark.of(trade)
        self.ids.open(gap)

    def declare(self, gap: OpenGap) -> None:
        """Say that trades are missing."""
        self._tell(gap, "open")

    def fill(self, gap: OpenGap, ids: range) -> None:
        """Note that missing trades have come."""
        if self.ids.fill(gap, ids) and gap.declared:
            self._tell(gap, "repaired")

    def give_up(self, gap: OpenGap, reason: str) -> None:
        """Say that what is missing cannot be had; of a past without a bottom nobody knew."""
        self.ids.gaps.remove(gap)
        if gap.bottom:
            self._lose(gap, reason)

    def deny(self, gap: OpenGap, received_us: int, waits_us: Sequence[float]) -> None:
        """Note that an answer lacked trades that it should have had: ask later, or give up."""
        gap.page = None
        if gap.denied >= len(waits_us):
            self.give_up(gap, f"the exchange does not have {gap.missing} of these trades")
            return
        gap.ask_at_us = received_us + round(waits_us[gap.denied])
        gap.denied += 1

    def note_bottom(self, trade: Trade) -> None:
        """Note the first trade that there is of a past whose beginning was not known."""
        bottom_id = first_id(trade)
        for gap in self.ids.gaps:
            if gap.bottom:
                continue
            gap.bottom = True
            gap.first_id = min(bottom_id, gap.end_id)
            gap.since_us = max(gap.since_us, trade.time_us)
            gap.left = [
                range(max(part.start, gap.first_id), part.stop)
                for part in gap.left
                if part.stop > gap.first_id
            ]
            if not gap.left:
                self.ids.gaps.remove(gap)
            return

    def forget_before(self, trade: Trade, from_us: int) -> None:
        """Give up what is missing before the first trade of a past that is read from a time on."""
        first = first_id(trade)
        for gap in list(self.ids.gaps):
            before = gap.parts(gap.first_id, first - 1)
            if gap.awaited and gap.since_us < from_us and before and gap.end_id > first:
                self._cut(gap, trade, TOO_LONG_AGO)

    def lose_before(self, trade: Trade, reason: str) -> None:
        """Give up what is missing before a trade, the first that can be had.

        Of a gap that was said already, all that is left goes with it.
        """
        first = first_id(trade)
        for gap in list(self.ids.gaps):
            if not gap.bottom or not gap.parts(gap.first_id, first - 1):
                continue
            if gap.declared or gap.end_id <= first:
                self.give_up(gap, reason)
            else:
                self._cut(gap, trade, reason)

    def _cut(self, gap: OpenGap, trade: Trade, reason: str) -> None:
        """Give up what of a gap is before a trade in it, and keep the rest."""
        first = first_id(trade)
        lost = OpenGap(gap.first_id, first, gap.since_us, trade.time_us, gap.seen_us)
        lost.left = gap.parts(gap.first_id, first - 1)
        gap.first_id, gap.since_us, gap.mark = first, trade.time_us, None
        gap.left = gap.parts(first, gap.end_id - 1)
        if not gap.left:
            self.ids.gaps.remove(gap)
        self._lose(lost, reason)

    def unseen(
        self,
        trades: Sequence[Trade],
        end_id: int | None,
        jumped: Callable[[Trade, Trade | None], None],
    ) -> list[Trade]:
        """Return what of a page is news, and note it as known.

        Before `end_id` that is what was missing; without an end, what lies beyond all that came
        too, where `jumped` is told of ids that the page itself leaves out: before which trade, and
        after which, None where that is not of this page.
        """
        ids = self.ids
        fresh: list[Trade] = []
        quantities = None
        for trade in trades:
            first = first_id(trade)
            if end_id is not None and first >= end_id:
                break
            if ids.next_id is None or first >= ids.next_id:
                if ids.next_id is not None and first > ids.next_id:
                    jumped(trade, fresh[-1] if fresh else None)
                ids.next_id = trade.id + 1
                fresh.append(trade)
                continue
            parts: list[tuple[OpenGap | None, range]] = list(ids.between(first, trade.id))
            if end_id is None and trade.id >= ids.next_id:  # an aggregate whose end is new
                parts.append((None, range(ids.next_id, trade.id + 1)))
            if parts and quantities is None:
                quantities = quantities_of(self._recent)
            for gap, part in parts:
                one = cut_down(trade, part, quantities or {})
                if one is None:
                    continue
                fresh.append(one)
                if gap is None:
                    ids.next_id = trade.id + 1
                else:
                    self.repaired += len(part)
                    if not (gap.declared or gap.awaited):
                        self.declare(gap)
                    self.fill(gap, part)
        self._recent.extend(fresh)
        return fresh

    def lose_unknown(self, next_id: int, since_us: int, until_us: int, reason: str) -> None:
        """Say between which times nobody knows what was missed, before the trade of which id."""
        self.opened += 1
        self.lost_gaps += 1
        self._say(
            Gap(self.market, next_id, next_id, since_us, until_us, "lost", reason, self.epoch)
        )

    def caught_up(self, first_id_: int, end_id: int, since_us: int, until_us: int | None) -> None:
        """Say that what a lost connection had missed came before anybody had to miss it."""
        self._tell(OpenGap(first_id_, end_id, since_us, until_us, 0), "repaired")

    def had(self, gap: Gap) -> None:
        """Say that a gap of an earlier life is repaired, where all of its trades have come."""
        ids = self.ids
        is_known = ids.next_id is not None and gap.end_id <= ids.next_id
        if is_known and not any(True for _ in ids.between(gap.first_id, gap.end_id - 1)):
            self._tell(OpenGap.of(gap, 0), "repaired")

    def _lose(self, gap: OpenGap, reason: str) -> None:
        self.given_up += gap.missing
        self.lost_gaps += 1
        self._tell(gap, "lost", reason)

    def _tell(self, gap: OpenGap, state: GapState, reason: str | None = None) -> None:
        self.opened += not gap.declared
        gap.declared = True
        self._say(gap.said(self.market, self.epoch, state, reason))
