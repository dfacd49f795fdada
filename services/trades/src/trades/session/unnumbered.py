"""Trades whose ids do not number them: they tell one from another, and arrival is the order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketstream.errors import BadMessage
from marketstream.messages import Trade
from marketstream.recent import Recent
from trades.session.rules import Known

if TYPE_CHECKING:
    from trades.session.market import MarketSession

_REMEMBERED = 4_096  # ids: what comes twice comes soon
_CONNECTION_LOST = "the connection was lost, and the exchange's ids do not say what was missed"
_PUT_ASIDE = "a trade made no sense, and the exchange's ids do not say which one it was"
_NOT_RUNNING = "nobody watched, and the exchange's ids do not say what was missed"


class Unnumbered:
    """Knows the newest trades of a market by their ids, and declares by time what may be missing.

    Nothing shows a trade that never came. What is known to be missed, as while a connection was
    lost or where a trade was put aside, is a gap that is lost, up to the next trade.
    """

    def __init__(self, session: MarketSession) -> None:
        self._session = session
        self._known: Recent[int] = Recent(_REMEMBERED)
        self._lost_because: str | None = None
        self._lost_since_us = 0
        self._lost_until_us = 0

    def go_on(self, known: Known) -> None:
        """Begin after trades that were published before: what came since then is missed."""
        self._session.ledger.epoch = self._session.batcher.epoch = known.epoch
        for trade in known.newest:
            self._known.add(trade.id)
        if known.last_id is not None:
            self._lose(_NOT_RUNNING, known.time_us)

    def examine(self, trade: Trade, received_us: int) -> bool | None:
        """Look at a trade: whether it is the newest by its time, None where it is known.

        Raises BadMessage where it is put aside.
        """
        session, batcher = self._session, self._session.batcher
        if trade.id in self._known:
            return None
        try:
            session.plausibility.check(trade, None, received_us)
        except BadMessage:
            self._lose(_PUT_ASIDE, batcher.newest_us)
            if batcher.offset_us is not None:  # it happened before it came, whatever it says
                self._lost_until_us = received_us + batcher.offset_us
            raise
        session.plausibility.believe()
        self._known.add(trade.id)
        if not session.joining.joined:
            self._lose(_CONNECTION_LOST, batcher.newest_us)
            session.joining.join()
        self._declare(trade, received_us)
        return trade.time_us >= batcher.newest_us

    def _lose(self, reason: str, since_us: int) -> None:
        """Note that trades since a time may be missing: if there was any before."""
        if since_us and self._lost_because is None:
            self._lost_because, self._lost_since_us = reason, since_us

    def _declare(self, trade: Trade, received_us: int) -> None:
        """Say what may be missing before a trade, if anything.

        Another numbering begins with it, so that nobody takes it to follow on those before.
        """
        reason, self._lost_because = self._lost_because, None
        until_us, self._lost_until_us = max(trade.time_us, self._lost_until_us), 0
        if reason is None:
            return
        session = self._session
        session.flush(received_us)
        session.ledger.lose_unknown(trade.id, self._lost_since_us, until_us, reason)
        session.ledger.epoch = session.batcher.epoch = session.batcher.epoch + 1
