"""Who has the training process next, where many want it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from heapq import heappop, heappush
from itertools import count
from time import monotonic


class Turns:
    """Gives turns, one at a time, to whose patience ends first.

    So what is urgent goes first, what is asked for alike in the order in which it came, and nothing
    waits for ever: whoever has waited long enough is the most urgent. `clock` is in seconds.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self._is_taken = False

    @asynccontextmanager
    async def turn(self, patience_s: float) -> AsyncIterator[float]:
        """Wait for a turn, and have it within the block; yields for how many seconds that was."""
        asked_s = self._clock()
        if self._is_taken:
            mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heappush(self._waiting, (asked_s + patience_s, next(self._numbers), mine))
            try:
                await mine
            except asyncio.CancelledError:
                if mine.done() and not mine.cancelled():
                    self._pass_on()  # it was given just then
                raise
        self._is_taken = True
        try:
            yield self._clock() - asked_s
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        self._is_taken = False
        while self._waiting:
            *_, next_one = heappop(self._waiting)
            if not next_one.done():
                self._is_taken = True  # already: nobody may come between
                next_one.set_result(None)
                return
