"""How far the times that a market's messages say may run ahead of when they were published."""

from __future__ import annotations

from dataclasses import dataclass, field

from marketstream.errors import BadMessage
from marketstream.messages import Trades
from marketstream.runners import plausible

_SLACK_US = 10_000_000
_AGREEING = 3


@dataclass(slots=True)
class _Lead:
    """The most that may be, and the leads beyond it of the last messages, near each other."""

    most_us: int
    beyond_us: list[int] = field(default_factory=list)


class Leads:
    """Refuses trades, quotes and ends of time that lie ahead of what the market's messages say.

    Times of the past may lie behind as far as they like. Ahead of when they were published are
    those of an exchange whose clock is ahead of the broker's: as far as the first two messages of
    a market both are, and 10 s more. Where three in a row are further ahead, by the same to 10 s,
    a clock was set: the third counts, and what comes after it.
    """

    def __init__(self) -> None:
        self._first_us: dict[str, int] = {}
        self._leads: dict[str, _Lead] = {}

    def check(self, message: Trades, published_us: int, now_us: int) -> None:
        """Raise BadMessage where a message says what cannot be, or is too far ahead."""
        lead = self._leads.get(message.market)
        if lead is None:
            plausible.check(message, now_us)
            self._begin(message.market, message.latest_us - published_us)
            return
        try:
            plausible.check(message, now_us, published_us + lead.most_us + _SLACK_US)
        except BadMessage:
            plausible.check(message, now_us)  # which says itself what else is wrong
            self._judge(lead, message.latest_us - published_us)
        if lead.beyond_us:
            lead.beyond_us.clear()

    def _begin(self, market: str, ahead_us: int) -> None:
        first_us = self._first_us.pop(market, None)
        if first_us is None:
            self._first_us[market] = ahead_us
        else:
            self._leads[market] = _Lead(max(0, min(first_us, ahead_us)))

    def _judge(self, lead: _Lead, ahead_us: int) -> None:
        """Raise BadMessage unless three in a row say so."""
        lead.beyond_us = [
            one_us for one_us in lead.beyond_us if abs(one_us - ahead_us) <= _SLACK_US
        ] + [ahead_us]
        if len(lead.beyond_us) < _AGREEING:
            raise BadMessage(
                f"it speaks of what is {ahead_us / 1e6:.1f} s after it was published; those of "
                f"this market do so by {lead.most_us / 1e6:.1f} s at most"
            )
        lead.most_us = ahead_us
