"""Work of some seconds that the API has done in threads: one piece after the other, few waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from marketstream.errors import TransientStateError

_MOST_WAITING = 8


class OneByOne:
    """Does one piece at a time; where eight are waited for, `too_many` is a TransientStateError."""

    def __init__(self, too_many: str) -> None:
        self._too_many = too_many
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def do[**Asked, Answer](
        self, work: Callable[Asked, Answer], *asked: Asked.args, **named: Asked.kwargs
    ) -> Answer:
        """Return what a piece of work returns, done in a thread once it is its turn."""
        if self._waiting >= _MOST_WAITING:
            raise TransientStateError(self._too_many)
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(work, *asked, **named)
        finally:
            self._waiting -= 1
