"""The trades that are as usual: nothing follows from them but that they are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from marketstream.messages import Trade
    from trades.session.market import MarketSession


class UsualTrades:
    """What a trade has to be like to be just one more of those that wait for the next message.

    Whoever takes in many of them compares each with these numbers, appends it to `pending` and
    moves `next_id`, `newest_us` and `newest_received_us`. Usual is the trade that `next_id` names,
    not before `newest_us` and before `until_us`, at a price from `low` to `high`, received at
    `received_us`. `begin` takes the numbers of the session, after a trade that it looked at itself;
    `end` has it know of what came since. In between nothing else may happen to the session.
    Without a session no trade is usual.
    """

    __slots__ = (
        "_ahead_us", "_clock_from_us", "_clock_until_us", "_counted", "_quiet_until_us",
        "_session", "has_begun", "high", "low", "newest_received_us", "newest_us", "next_id",
        "pending", "received_us", "until_us",
    )  # fmt: skip

    def __init__(self, session: MarketSession | None) -> None:
        self._session = session
        self.pending: list[Trade] = [] if session is None else session.batcher.pending
        self.has_begun = False
        self.next_id: int | None = None
        self.low = self.high = 0.0
        self.newest_us = self.newest_received_us = self.received_us = self.until_us = 0
        self._ahead_us = self._quiet_until_us = self._counted = 0
        self._clock_from_us = self._clock_until_us = 0

    def begin(self, received_us: int) -> None:
        """Go on from what the session took in by then; not while it doubts, or measures."""
        session = self._session
        if session is None:
            return
        batcher, plausibility = session.batcher, session.plausibility
        if plausibility.doubting or session.quote_lag.is_measuring:
            return
        clock = batcher.clock
        self.has_begun = True
        self.next_id = session.ledger.ids.next_id
        self.low, self.high = plausibility.low, plausibility.high
        self.newest_us, self.newest_received_us = batcher.newest_us, batcher.newest_received_us
        self._ahead_us = min(plausibility.latest_us, clock.largest_us)
        self._clock_from_us, self._clock_until_us = clock.from_us, clock.until_us
        self._quiet_until_us = batcher.quiet_until_us
        self._counted = len(self.pending)
        self.receive(received_us)

    def receive(self, received_us: int) -> None:
        """Go on with trades that were received at another time."""
        self.received_us = received_us
        is_known = self._clock_from_us <= received_us < self._clock_until_us
        self.until_us = (
            min(self._quiet_until_us, received_us + self._ahead_us + 1) if is_known else 0
        )

    def end(self) -> None:
        """Have the session know of all that came; none is usual until the next beginning."""
        session, count = self._session, len(self.pending) - self._counted
        if session is not None and count:
            session.trades += count
            session.ledger.ids.next_id = self.next_id
            session.batcher.took_usual(self.newest_us, self.newest_received_us)
        self.has_begun = False
        self.until_us = self._quiet_until_us = 0
