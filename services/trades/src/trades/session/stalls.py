"""Silences that are neither plausible nor proven, and what became of them."""

from __future__ import annotations

from collections.abc import Callable

from marketstream.messages import Channel, Stall, StallEnd
from trades.session.silence import Silence

_AFTER_US = 1_000_000  # of doubt, in which the exchange is asked


class Stalls:
    """The stall of a market, at most one at a time; each is said when it begins and ends."""

    def __init__(self, market: str, say: Callable[[Stall], None], scale: float) -> None:
        self.now: Stall | None = None
        self._market = market
        self._say = say
        self._after_us = round(_AFTER_US * scale)
        self._doubtful_us: int | None = None  # since when, by receive time

    def watch(self, doubt_us: int, channel: Channel, seen_until_us: int, received_us: int) -> None:
        """Begin a stall where a silence has been doubtful for a moment."""
        if not doubt_us:
            self._doubtful_us = None
        elif self._doubtful_us is None:
            self._doubtful_us = received_us
        elif received_us - self._doubtful_us > self._after_us:
            self.begin(channel, seen_until_us)

    def begin(self, channel: Channel, since_us: int) -> None:
        """Begin a stall, unless there is one."""
        if self.now is None:
            self.now = Stall(self._market, since_us, channel)
            self._say(self.now)

    def end(self, end: StallEnd, until_us: int) -> None:
        """End the stall, if there is one."""
        stall, self.now = self.now, None
        if stall is not None:
            until_us = max(until_us, stall.since_us)
            self._say(Stall(self._market, stall.since_us, stall.channel, until_us, end))


class QuoteWatch:
    """Sees that quotes have ceased while trades go on; receive times tell, for some have none."""

    def __init__(self, scale: float) -> None:
        self._pace = Silence(
            least_us=round(2e6 * scale), most_us=round(60e6 * scale), unknown_us=round(10e6 * scale)
        )
        self._count = 0
        self._noted_us = 0
        self._told = True  # before the first quote nothing has ceased

    def connected(self, received_us: int) -> None:
        """Note that another connection begins."""
        self._count, self._noted_us = 0, received_us

    def note(self) -> None:
        """Note a quote."""
        self._count += 1

    def silent_us(self, received_us: int) -> int | None:
        """Return how long there were none, once, where that is longer than ever; else None."""
        if self._count:
            if self._noted_us:
                self._pace.note(self._count, received_us - self._noted_us)
            self._count, self._noted_us, self._told = 0, received_us, False
            return None
        silent_us = received_us - self._noted_us
        if self._told or silent_us <= self._pace.plausible_us:
            return None
        self._told = True
        return silent_us

    @property
    def is_silent(self) -> bool:
        """Whether quotes have ceased."""
        return self._told
