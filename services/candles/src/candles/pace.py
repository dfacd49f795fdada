"""What one message alone may not say: a leap in time or ids, or other numbers than so far."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from candles.ids import TradeIds
from marketstream.messages import Trades

_LEAP_US = 600_000_000
_NEAR_US = 60_000_000
_LEAP_IDS = 1_000
_AGREEING = 3


class Pace:
    """Lets time leap by more than ten minutes, or ids change, only where three messages say so.

    Ids change where they leap ahead by more than 1,000, where they are of an older numbering than
    that which was reached, and where they begin or cease to number trades. The first messages are
    held, which is part of the operator's state: once the third agrees all of them count. What is
    said near what was reached makes an end of a leap that nobody else has seen: of the trades held
    until then the ids are missing, as of any that never came. While ids are in doubt nothing is
    proven. Trades of an older numbering that are not newer than those which came are left out.
    """

    def __init__(self, held: Sequence[Trades] = ()) -> None:
        self._held = list(held)

    @property
    def held(self) -> Sequence[Trades]:
        """The messages that wait for others to agree."""
        return self._held

    def confirmed(
        self, message: Trades, reached_us: int | None, ids: TradeIds
    ) -> tuple[Sequence[Trades], bool]:
        """Return what is to be folded now, and whether it counts whatever it says of its ids.

        Time was seen until `reached_us`, and the ids are those that came.
        """
        if reached_us is None:
            self._held.clear()
            return (message,), False
        if message.epoch < ids.epoch and not _is_newer(message, ids):
            message = replace(message, trades=())
        limit_us = reached_us + _LEAP_US
        if _is_all_before(message, limit_us) and not _changes_ids(message, ids):
            if message.trades or (self._held and not _is_all_before(self._held[-1], limit_us)):
                self._held.clear()
            if message.proven_until_us is not None and (self._held or message.epoch != ids.epoch):
                message = replace(message, proven_until_us=None)
            return (message,), False
        if message in self._held:
            return (), False  # delivered twice, it agrees with nobody
        if self._held and not _agree(self._held[-1], message):
            self._held.clear()
        self._held.append(message)
        if len(self._held) < _AGREEING:
            return (), False
        confirmed, self._held = self._held, []
        return confirmed, True


def _is_newer(message: Trades, ids: TradeIds) -> bool:
    """Say whether a message has trades that are newer than those which came."""
    return bool(message.trades) and message.trades[-1].time_us > ids.last_us


def _changes_ids(message: Trades, ids: TradeIds) -> bool:
    """Say whether the trades of a message cannot go on from those that came by their ids."""
    trades = message.trades
    if not trades or ids.last_id < 0:
        return False
    if message.numbered != ids.numbered or message.epoch < ids.epoch:
        return True
    if not message.numbered or message.epoch > ids.epoch:
        return False
    last_id = ids.last_id
    if trades[-1].id <= last_id + _LEAP_IDS and len(trades) == 1:
        return False
    for trade in trades:
        if trade.id > last_id + _LEAP_IDS:
            return True
        last_id = max(last_id, trade.id)
    return False


def _agree(one: Trades, other: Trades) -> bool:
    """Say whether two messages in a row are near each other, and of the same numbers."""
    if abs(other.latest_us - one.latest_us) > _NEAR_US:
        return False
    if not (one.trades and other.trades):
        return True
    if (one.epoch, one.numbered) != (other.epoch, other.numbered):
        return False
    return not one.numbered or abs(other.trades[-1].id - one.trades[-1].id) <= _LEAP_IDS


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
