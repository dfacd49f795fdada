"""How far time may leap ahead in one message: one wrong date closes no market."""

from __future__ import annotations

from marketstream.errors import BadMessage
from marketstream.messages import Trades

_LEAP_US = 600_000_000
_NEAR_US = 60_000_000
_AGREEING = 3


class Pace:
    """Lets time leap by more than ten minutes only where three messages in a row say so.

    The first ones are refused, and kept: once the third agrees they count after all. What is said
    near the time that was reached makes an end of a leap that nobody else has seen.
    """

    def __init__(self) -> None:
        self._kept: list[Trades] = []

    def confirmed(self, message: Trades, reached_us: int | None) -> list[Trades]:
        """Return what is to be folded now, for which time was seen until `reached_us`.

        Raises BadMessage where the message leaps ahead, and not enough others have done so.
        """
        at_us = _latest_us(message)
        if reached_us is None or at_us - reached_us <= _LEAP_US:
            self._kept.clear()
            return [message]
        if self._kept and abs(at_us - _latest_us(self._kept[-1])) > _NEAR_US:
            self._kept.clear()
        self._kept.append(message)
        if len(self._kept) < _AGREEING:
            raise BadMessage(
                f"{message.market}: a message is {(at_us - reached_us) // 1_000_000} s ahead of "
                f"all before it: it counts once {_AGREEING} in a row agree"
            )
        kept, self._kept = self._kept, []
        return kept


def _latest_us(message: Trades) -> int:
    """Return the latest of all times said: each of them closes, proves or holds up something."""
    times = [message.seen_until_us]
    if message.proven_until_us is not None:
        times.append(message.proven_until_us)
    if message.quote is not None:
        times.append(message.quote.time_us)
    return max(times + [trade.time_us for trade in message.trades])
