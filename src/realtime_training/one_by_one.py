"""Work of some seconds that the API has done in threads: one piece after the other, few waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Event
from typing import Concatenate

from marketstream.errors import TransientStateError

_MOST_WAITING = 8


class OneByOne:
    """Does one piece at a time; where eight are waited for, `too_many` is a TransientStateError."""

    def __init__(self, too_many: str) -> None:
        self._too_many = too_many
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def do[**Asked, Answer](
        self,
        work: Callable[Concatenate[Event, Asked], Answer],
        *asked: Asked.args,
        **named: Asked.kwargs,
    ) -> Answer:
        """Return what a piece of work returns, done in a thread once it is its turn.

        It is given what is set once nobody waits for it any more, and should then end at once: the
        next piece begins after that.
        """
        if self._waiting >= _MOST_WAITING:
            raise TransientStateError(self._too_many)
        self._waiting += 1
        try:
            async with self._turn:
                return await _while_awaited(work, *asked, **named)
        finally:
            self._waiting -= 1


async def _while_awaited[**Asked, Answer](
    work: Callable[Concatenate[Event, Asked], Answer], *asked: Asked.args, **named: Asked.kwargs
) -> Answer:
    given_up = Event()
    doing = asyncio.ensure_future(asyncio.to_thread(work, given_up, *asked, **named))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        given_up.set()
        await asyncio.wait([doing])
        if not doing.cancelled():
            doing.exception()  # whatever became of it, nobody is told
        raise
