"""How far time may leap ahead in one message: one wrong date closes no market."""

from __future__ import annotations

from collections.abc import Sequence

from marketstream.messages import Trades

_LEAP_US = 600_000_000
_NEAR_US = 60_000_000
_AGREEING = 3


class Pace:
    """Lets time leap by more than ten minutes only where three messages in a row say so.

    The first ones are held, which is part of the operator's state: once the third agrees all of
    them count. What is said near the time that was reached makes an end of a leap that nobody else
    has seen: of the trades held until then the ids are missing, as of any that never came.
    """

    def __init__(self, held: Sequence[Trades] = ()) -> None:
        self._held = list(held)

    @property
    def held(self) -> Sequence[Trades]:
        """The messages that wait for others to agree."""
        return self._held

    def confirmed(self, message: Trades, reached_us: int | None) -> Sequence[Trades]:
        """Return what is to be folded now, for which time was seen until `reached_us`."""
        if reached_us is None or _is_all_before(message, reached_us + _LEAP_US):
            self._held.clear()
            return (message,)
        at_us = _latest_us(message)
        if message in self._held:
            return ()  # delivered twice, it agrees with nobody
        if self._held and abs(at_us - _latest_us(self._held[-1])) > _NEAR_US:
            self._held.clear()
        self._held.append(message)
        if len(self._held) < _AGREEING:
            return ()
        confirmed, self._held = self._held, []
        return confirmed


def _is_all_before(message: Trades, limit_us: int) -> bool:
    """Say whether a message says nothing of later than a time: nearly all do not."""
    proven_us, quote = message.proven_until_us, message.quote
    if message.seen_until_us > limit_us or (proven_us is not None and proven_us > limit_us):
        return False
    if quote is not None and quote.time_us > limit_us:
        return False
    for trade in message.trades:  # noqa: SIM110 - all() takes twice as long
        if trade.time_us > limit_us:
            return False
    return True


def _latest_us(message: Trades) -> int:
    """Return the latest of all times said: each of them closes, proves or holds up something."""
    times = [message.seen_until_us]
    if message.proven_until_us is not None:
        times.append(message.proven_until_us)
    if message.quote is not None:
        times.append(message.quote.time_us)
    return max(times + [trade.time_us for trade in message.trades])
