"""What the exchange's own signs of life prove of a market."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exchanges.events import Alive
from trades.session.ids import OpenGap

if TYPE_CHECKING:
    from trades.session.market import MarketSession

_FREE_JUMP = 20  # ids ahead of ours that one heartbeat alone may name
_NEAR_IDS = 10_000  # between two heartbeats that agree on more


class Life:
    """Takes in signs of life as the venue means them.

    That a channel lives makes a silence believed, and proves nothing else. A heartbeat that names
    our newest trade proves that none is missed until its time; one that names a newer trade opens a
    gap, at once.
    """

    def __init__(self, session: MarketSession) -> None:
        self._session = session
        self._far_id: int | None = None  # that a heartbeat named, and nobody believes alone

    def hear(self, event: Alive, received_us: int) -> None:
        """Take in a sign of life; raises BadMessage where its time makes no sense."""
        rules, batcher = self._session.rules, self._session.batcher
        if rules.silence == "connection":
            return
        if event.time_us is not None:
            self._session.plausibility.check_clock("a heartbeat", event.time_us, received_us)
        if event.last_id is None or rules.silence == "channel":
            time_us = event.time_us
            if time_us is None and batcher.offset_us is not None:
                time_us = received_us + batcher.offset_us
            batcher.alive_until_us = max(batcher.alive_until_us, time_us or 0)
        elif rules.ids == "contiguous":
            self._compare(event.last_id, event.time_us, received_us)

    def _compare(self, last_id: int, time_us: int | None, received_us: int) -> None:
        session, joining = self._session, self._session.joining
        ids, batcher = session.ledger.ids, session.batcher
        next_id = ids.next_id
        if next_id is None or not joining.joined or joining.holding is not None:
            return
        if last_id == next_id - 1:
            is_known = all(gap.declared for gap in ids.gaps)  # what is missing before it
            is_known = is_known and not session.plausibility.doubting  # ids may begin again
            if time_us is not None and is_known and not ids.ends_unseen:
                batcher.proven_until_us = max(batcher.proven_until_us, time_us)
        elif last_id >= next_id and self._is_believed(last_id, next_id):
            gap = OpenGap(
                next_id, last_id + 1, session.plausibility.known_until_us, time_us, received_us
            )
            gap.ask_at_us = received_us
            session.flush(received_us)
            session.ledger.open(gap)
            session.ledger.declare(gap)
            ids.open_at_end(gap)

    def _is_believed(self, last_id: int, next_id: int) -> bool:
        far_id, self._far_id = self._far_id, last_id
        if last_id - next_id < _FREE_JUMP:
            return True
        return far_id is not None and next_id <= far_id <= last_id <= far_id + _NEAR_IDS
