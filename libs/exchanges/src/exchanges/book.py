"""A market's order book, folded from what its venue says; pure, and never wrong in silence."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Literal, NamedTuple

from exchanges.book_side import Reach, Side
from exchanges.events import BookEvent, Levels

type State = Literal["empty", "whole", "broken"]
"""No snapshot came yet; the book is as the venue's; or something is missing or wrong."""

type Checksum = Callable[[Levels, Levels], int]
"""What bids and asks, the best first, sum up to by a venue's own rule."""

_MOST_WAITING = 1_000  # changes, for a snapshot
_SUMMED = 25  # levels at most that checksums are made of


class Best(NamedTuple):
    """Best bid and ask, with what is offered there."""

    bid: float
    bid_quantity: float
    ask: float
    ask_quantity: float


class Book:
    """Levels of a market's book as of the newest event, `time_us` and number `last`.

    It is `empty` until a snapshot comes, and `whole` for as long as each change follows on the one
    before, its checksum is right and no bid reaches an ask. Else it is `broken`, `reason` says why,
    and it shows nothing until the next snapshot; changes that come before that wait for it.

    Of levels that change no more than `most` a side are kept, in a window as many as the venue has
    in it, elsewhere up to twice as many. What lies beyond what is known (`reach`) is not shown;
    where the best levels come to lie there, the book is broken.
    """

    def __init__(
        self, reach: Reach = "all", *, most: int = 2_000, checksum: Checksum | None = None
    ) -> None:
        self.state: State = "empty"
        self.reason = "no snapshot came yet"
        self.time_us: int | None = None
        self.last: int | None = None
        self._bids, self._asks = Side(1, most, reach), Side(-1, most, reach)
        self._checksum = checksum
        self._waiting: deque[BookEvent] = deque(maxlen=_MOST_WAITING)
        self._is_fresh = False  # nothing came since the snapshot

    @property
    def best(self) -> Best | None:
        """Best bid and ask; None where the book is not whole, or a side of it is empty."""
        bid, ask = self._bids.best, self._asks.best
        if self.state != "whole" or bid is None or ask is None:
            return None
        return Best(*bid, *ask)

    def levels(self, most: int) -> tuple[Levels, Levels]:
        """Return so many bids and asks, the best first; none where the book is not whole."""
        if self.state != "whole":
            return (), ()
        return self._bids.levels(most), self._asks.levels(most)

    def update(self, event: BookEvent) -> State:
        """Take in a snapshot or changes; return how the book is."""
        if event.is_snapshot:
            self._replace(event)
        elif self.state == "whole":
            if self._is_next(event):
                self._bids.change(event.bids)
                self._asks.change(event.asks)
                self._is_fresh = False
                self._note(event)
        else:
            self._wait(event)
        return self.state

    def _replace(self, event: BookEvent) -> None:
        """Begin with a snapshot, and go on with the changes that came before it was had."""
        self._bids.replace(event.bids)
        self._asks.replace(event.asks)
        self.state, self.reason, self._is_fresh = "whole", "", True
        self._note(event)
        if self._waiting:
            waiting, self._waiting = self._waiting, deque(maxlen=_MOST_WAITING)
            for change in waiting:
                self.update(change)

    def _is_next(self, event: BookEvent) -> bool:
        """Say whether changes follow on what is known; old ones do not, and others break it."""
        last, known = event.last, self.last
        if last is None or known is None:
            return True
        follows = event.follows
        if follows is None:
            is_old = last <= known
            is_next = event.first is None or event.first <= known + 1
        else:
            is_old = last <= known and follows < last and follows != known
            is_next = follows == known or (self._is_fresh and follows < known)
        if is_next and not is_old:
            return True
        if not is_old:
            self._break(f"changes {event.first} to {last} do not follow on {known}")
            self._wait(event)
        return False

    def _note(self, event: BookEvent) -> None:
        """Note what came with an event that was taken in, and see if it can be."""
        self.last, self.time_us = event.last, event.time_us
        bids, asks = self._bids.keys, self._asks.keys
        if not (bids and asks) or bids[-1] + asks[-1] >= 0:  # asks are negative there
            self._examine()
        if event.checksum is not None and self._checksum is not None:
            summed = self._checksum(self._bids.levels(_SUMMED), self._asks.levels(_SUMMED))
            if summed != event.checksum:
                self._break(f"its checksum is {summed}, and should be {event.checksum}")

    def _examine(self) -> None:
        """Look at the best levels where a glance is not enough."""
        bid, ask = self._bids.best, self._asks.best
        if bid is None or ask is None:
            if self._bids.is_beyond or self._asks.is_beyond:
                self._break("the best levels lie beyond what is known")
        elif bid[0] >= ask[0]:
            self._break(f"a bid of {bid[0]} reaches an ask of {ask[0]}")

    def _break(self, reason: str) -> None:
        self.state, self.reason = "broken", reason

    def _wait(self, event: BookEvent) -> None:
        if event.last is not None:  # without numbers nobody knows what is in the snapshot
            self._waiting.append(event)
