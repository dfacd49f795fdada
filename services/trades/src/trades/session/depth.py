"""The book of a market as its session follows it: best levels at a pace, or that it is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from exchanges.book import State
from exchanges.events import BookEvent, Levels
from marketstream.errors import BadMessage
from marketstream.messages import Trades

if TYPE_CHECKING:
    from trades.session.market import MarketSession

_STALE_US = 5_000_000  # trades came for so long, and the book did not change
_FIRST_US = 10_000_000  # a snapshot takes no longer
_AGAIN_US = 1_000_000  # a venue that sends snapshots by itself has sent one by then
_DROP_WAIT_US, _DROP_WAIT_MOST_US = 30_000_000, 1_800_000_000


class DepthWatch:
    """Folds book events of a market, and gives its best levels every `depth_every_ms` of its time.

    A book that is broken, stale or of a lost connection is said once, by a `Depth` without levels,
    and counted in `broken`; `reason` says why it was the last time. Unless a snapshot comes, the
    connection is given up: the next one begins with a snapshot. That is done ever more
    seldom where it does not help. Methods return the messages that are closed by it.
    """

    def __init__(self, session: MarketSession) -> None:
        rules = session.rules
        self.broken = 0
        self.reason = ""
        self._session = session
        self._levels = rules.levels
        self._every_us = rules.depth_every_ms * 1_000
        self._new_book = rules.new_book
        self._speed = rules.speed
        self._book = self._new_book()
        self._slot: int | None = None  # of the last levels; None where the next are news at once
        self._is_shown = False
        self._traded_us = 0  # the newest trade when the book last changed
        self._silent_since_us: int | None = None
        self._due_us: int | None = None  # when a book has to be there
        self._drop_wait_us, self._next_drop_us = _DROP_WAIT_US, 0

    @property
    def state(self) -> State:
        """How the book is."""
        return self._book.state

    def take(self, event: BookEvent, received_us: int) -> Sequence[Trades]:
        """Take in an event; raises BadMessage where its time cannot be, and the book is broken."""
        session, book = self._session, self._book
        if event.time_us is not None:
            try:
                session.plausibility.check_clock("book", event.time_us, received_us)
            except BadMessage:
                for message in self._lose(received_us, str(event.time_us)):
                    session.pass_on(message, received_us)
                raise
        self._traded_us, self._silent_since_us = session.batcher.newest_us, None
        if book.update(event) != "whole":
            if book.state == "empty":
                return []
            return self._unknown(received_us, book.reason) if self._is_shown else []
        self._due_us = None
        slot = (received_us if event.time_us is None else event.time_us) // self._every_us
        if slot == self._slot:
            return []
        self._slot, self._is_shown = slot, True
        self._drop_wait_us = _DROP_WAIT_US
        return self._give(*book.levels(self._levels), book.time_us, received_us)

    def tick(self, received_us: int) -> Sequence[Trades]:
        """Look whether the book is stale, and give the connection up where none comes."""
        if self._book.state == "whole":
            return self._look_for_change(received_us)
        is_due = self._due_us is not None and received_us >= self._due_us
        if is_due and received_us >= self._next_drop_us:
            self._next_drop_us = received_us + round(self._drop_wait_us * self._speed)
            self._drop_wait_us = min(2 * self._drop_wait_us, _DROP_WAIT_MOST_US)
            self._session.drop = f"the book of {self._session.market} has to be asked for anew"
        return []

    def connected(self, received_us: int) -> None:
        """Note that a book is to come."""
        if self._book.state != "whole":
            self._due_us = received_us + round(_FIRST_US * self._speed)

    def lost(self, received_us: int) -> Sequence[Trades]:
        """Note that the connection is lost, and with it the book."""
        closed = self._lose(received_us, "the connection is lost") if self._is_shown else []
        self._book, self._due_us = self._new_book(), None
        return closed

    def _look_for_change(self, received_us: int) -> Sequence[Trades]:
        if self._session.batcher.newest_us == self._traded_us:
            return []
        if self._silent_since_us is None:
            self._silent_since_us = received_us
        if received_us - self._silent_since_us < _STALE_US * self._speed:
            return []
        return self._lose(received_us, "trades come, and no change of it")

    def _lose(self, received_us: int, reason: str) -> Sequence[Trades]:
        """Begin anew without a book."""
        self._book, self._silent_since_us = self._new_book(), None
        return self._unknown(received_us, reason)

    def _unknown(self, received_us: int, reason: str) -> Sequence[Trades]:
        """Say that the book is not known from now on."""
        self.broken += 1
        self.reason = reason
        self._slot, self._is_shown = None, False
        self._due_us = received_us + round(_AGAIN_US * self._speed)
        return self._give((), (), None, received_us)

    def _give(
        self, bids: Levels, asks: Levels, time_us: int | None, received_us: int
    ) -> Sequence[Trades]:
        return self._session.batcher.add_depth(bids, asks, time_us, received_us)
