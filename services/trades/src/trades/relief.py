"""One connection relieves another whose end is announced, before that one is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from loguru import logger

from trades.connection import Connection, ConnectionLostError

_OVERLAP_S = 1.0  # in which both are read: what is subscribed to begins one by one
_ANSWER_S = 5.0
_AGAIN_S = 1.0


class Relief:
    """The connection that counts, and the one that is to relieve it, once that answers.

    Both put their frames into one inbox: what comes twice is told by its id.
    """

    def __init__(self, connection: Connection, make: Callable[[], Awaitable[Connection]]) -> None:
        self._connection = connection
        self._make = make
        self._next: Connection | None = None
        self._relieving: asyncio.Task[None] | None = None

    @property
    def connection(self) -> Connection:
        """The connection that counts: the next one where this one is gone and that one answers."""
        following = self._next
        is_gone = self._connection.lost is not None
        if is_gone and following is not None and following.answered.is_set():
            self._connection, self._next = following, None
        return self._connection

    def begin(self, reason: str) -> None:
        """Have another connection made, unless one is being made already."""
        if self._relieving is None or self._relieving.done():
            logger.info("Another connection is made before this one ends", reason=reason)
            self._relieving = asyncio.create_task(self._relieve())

    def send(self, text: bytes) -> None:
        """Send a text frame to whoever is connected."""
        for connection in (self._connection, self._next):
            if connection is not None:
                connection.send(text)

    async def close(self) -> None:
        """Close all sockets."""
        if self._relieving is not None:
            self._relieving.cancel()
            await asyncio.wait([self._relieving])
        for connection in (self._connection, self._next):
            if connection is not None:
                await connection.close()

    async def _relieve(self) -> None:
        """Make another connection, read both for a moment, and close the one there was."""
        while True:
            try:
                self._next = await self._make()
                async with asyncio.timeout(_ANSWER_S):
                    await self._next.answered.wait()
                break
            except ConnectionLostError as error:
                await self._give_up_next(str(error), error.retry_after_s)
            except TimeoutError:
                await self._give_up_next("the subscription is not answered", 0.0)
        await asyncio.sleep(_OVERLAP_S)
        if self._next is not None:
            old, self._connection, self._next = self._connection, self._next, None
            await old.close()

    async def _give_up_next(self, reason: str, retry_after_s: float) -> None:
        """Wait until another attempt makes sense."""
        logger.warning("No other connection yet", reason=reason)
        following, self._next = self._next, None
        if following is not None:
            await following.close()
        await asyncio.sleep(max(_AGAIN_S, retry_after_s))
