"""Let market time pass: cut it into short pieces and hand each to whoever publishes it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from exchange_simulator.clock import MarketClock

_SECOND_US = 1_000_000
_TICK_S = 0.005


class Playback:
    """The course of the market from the clock's start to `end_us`, or for ever where that is None.

    `position_us` is the present: all before it has been published. After each cut `settle` may hold
    the market up, for clients that lag. A cut never crosses a full second
    of market time, so that klines close on their cut's end, and a fast recording comes in pieces.
    """

    def __init__(
        self,
        clock: MarketClock,
        end_us: int | None,
        publish: Callable[[int, int], None],
        settle: Callable[[], Awaitable[None]],
    ) -> None:
        self._clock = clock
        self._end_us = end_us
        self._publish = publish
        self._settle = settle
        self._stopped = False
        self.position_us = clock.start_us

    async def run(self) -> None:
        """Play to the end, or until `stop`."""
        self._clock.start()
        while not self._stopped and self.position_us != self._end_us:
            now_us = self._clock.now_us()
            if self._end_us is not None:
                now_us = min(now_us, self._end_us)
            while not self._stopped and self.position_us < now_us:
                next_second_us = (self.position_us // _SECOND_US + 1) * _SECOND_US
                to_us = min(now_us, next_second_us)
                self._publish(self.position_us, to_us)
                self.position_us = to_us
                await self._settle()
                await asyncio.sleep(0)  # at a high speed this loop has no other pause
            if self.position_us != self._end_us:
                await asyncio.sleep(_TICK_S)

    def stop(self) -> None:
        """Let `run` return after the cut it is at."""
        self._stopped = True
