"""What is told of a perpetual as its session follows it: the newest of each part, together."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from exchanges.events import ContextEvent, LiquidationEvent
from marketstream.errors import BadMessage
from marketstream.messages import Context, Funding, Liquidations, Reading, Trades

if TYPE_CHECKING:
    from trades.session.market import MarketSession

_EVERY_US = 250_000  # what is slow need not be said more often
_NEXT_FUNDING_US = 7 * 86_400_000_000  # ahead at most; it is hours everywhere
_KNOWN_AGAIN = 256  # liquidations that are recognised when they are told twice


class ContextWatch:
    """Keeps the newest of each part of what is told, and gives them together.

    What one connection has said is as it was only while that connection holds: where it is lost,
    changes confirm nothing more, and liquidations are counted anew. Methods return the messages
    that are closed by it.
    """

    def __init__(self, session: MarketSession) -> None:
        self.context = Context(0)
        self._session = session
        self._told: set[str] = set()  # parts, by this connection
        self._slot: int | None = None
        self._newest_us = 0  # of all that was told, said on or not
        self._newest: deque[LiquidationEvent] = deque(maxlen=_KNOWN_AGAIN)

    def take(self, event: ContextEvent | LiquidationEvent, received_us: int) -> Sequence[Trades]:
        """Take in an event; raises BadMessage where it makes no sense."""
        session, before = self._session, self.context
        session.plausibility.check_clock("what is told of it", event.time_us, received_us)
        if isinstance(event, LiquidationEvent):
            self._check_price("a liquidation at", event.price)
            if event in self._newest:
                return []
            self._newest.append(event)
            sums = self._liquidated(before.liquidations, event)
            if sums == before.liquidations:
                return []
            self.context = replace(before, liquidations=sums)
            return self._give(event.time_us, received_us)
        self._check_price("a mark price of", event.mark)
        self._check_price("an index price of", event.index)
        self._check_funding(event)
        self._newest_us = max(self._newest_us, event.time_us)
        funding = self._funding(before.funding, event)
        self.context = now = Context(
            event.time_us,
            self._reading("mark", before.mark, event.mark, event),
            self._reading("index", before.index, event.index, event),
            funding,
            self._reading("open_interest", before.open_interest, event.open_interest, event),
            before.liquidations if event.asked else _alive(before.liquidations, event.time_us),
        )
        slot = event.time_us // _EVERY_US
        if slot == self._slot and _parts(now) == _parts(before):
            return []
        self._slot = slot
        return self._give(event.time_us, received_us)

    def lost(self, received_us: int) -> Sequence[Trades]:
        """Note that the connection is lost: nobody knows of liquidations from now on."""
        self._told.clear()
        if self.context.liquidations is None:
            return []
        self.context = replace(self.context, liquidations=None)
        return self._give(self.context.time_us, received_us)

    def _reading(
        self, part: str, before: Reading | None, value: float | None, event: ContextEvent
    ) -> Reading | None:
        """Return a part as it is after an event; one that is older than what is known is not it."""
        if before is not None and event.time_us < before.time_us:
            return before
        if value is not None:
            self._told.add(part)
            return Reading(value, event.time_us)
        if before is not None and event.confirms and part in self._told:
            return Reading(before.value, event.time_us)
        return before

    def _funding(self, before: Funding | None, event: ContextEvent) -> Funding | None:
        if before is not None and event.time_us < before.time_us:
            return before
        rate, next_us = event.funding_rate, event.next_funding_us
        if rate is not None:
            self._told.add("funding")
        elif before is None or not event.confirms or "funding" not in self._told:
            return before
        else:
            rate = before.rate
        if next_us is None and before is not None and event.confirms:
            next_us = before.next_us
        return Funding(rate, event.time_us, next_us)

    def _liquidated(self, before: Liquidations | None, event: LiquidationEvent) -> Liquidations:
        sums = before or Liquidations(0.0, 0.0, event.time_us, event.time_us)
        if event.time_us < sums.since_us:
            return sums  # from before anybody counted
        is_bought = event.side == "buy"
        return Liquidations(
            sums.bought + event.quantity if is_bought else sums.bought,
            sums.sold if is_bought else sums.sold + event.quantity,
            sums.since_us,
            max(sums.time_us, event.time_us),
        )

    def _check_price(self, what: str, price: float | None) -> None:
        usual = self._session.plausibility
        if price is not None and not usual.low <= price <= usual.high:
            raise BadMessage(
                f"{self._session.market}: {what} {price:g} is put aside: it is far from the last "
                f"price, {usual.price:g}"
            )

    def _check_funding(self, event: ContextEvent) -> None:
        next_us = event.next_funding_us
        if next_us is not None and abs(next_us - event.time_us) > _NEXT_FUNDING_US:
            raise BadMessage(
                f"{self._session.market}: a next funding at {next_us} µs is put aside: it is more "
                f"than a week from what is told at {event.time_us} µs"
            )

    def _give(self, time_us: int, received_us: int) -> Sequence[Trades]:
        """Say it, as of no time before that of any part of it."""
        time_us = max(time_us, self._newest_us)
        return self._session.batcher.add_context(
            replace(self.context, time_us=time_us), received_us
        )


def _alive(before: Liquidations | None, time_us: int) -> Liquidations:
    """Return the sums with the time up to which liquidations would have been told."""
    if before is None:
        return Liquidations(0.0, 0.0, time_us, time_us)
    return replace(before, time_us=max(before.time_us, time_us))


def _parts(context: Context) -> tuple[bool, ...]:
    return tuple(
        part is None
        for part in (
            context.mark, context.index, context.funding, context.open_interest,
            context.liquidations,
        )
    )  # fmt: skip
