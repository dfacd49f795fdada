"""The keys that the store has, as of a second ago at the most."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

from loguru import logger

from marketstream.errors import StateError
from marketstream.keys import ApiKey, digest_of
from marketstream.store.port import Store

_FRESH_S = 1.0
_PATIENCE_S = 2.0  # for a store that is slow, while older keys are known


class KnownKeys:
    """Recognises secrets; while the store is away, by the keys that it had last."""

    def __init__(self, store: Callable[[], Store]) -> None:
        self._store = store
        self._by_digest: Mapping[str, ApiKey] | None = None
        self._reading: asyncio.Task[list[ApiKey]] | None = None
        self._asked_s = float("-inf")

    async def find(self, secret: str) -> ApiKey | None:
        """Return the key of a secret; StateError where the store has never said which there are."""
        return (await self._known()).get(digest_of(secret))

    async def _known(self) -> Mapping[str, ApiKey]:
        if time.monotonic() - self._asked_s > _FRESH_S:
            if self._reading is None or self._reading.done():
                self._reading = asyncio.create_task(asyncio.to_thread(self._read))
            await self._wait_for(self._reading)
        if self._by_digest is None:
            raise StateError("the store has not said yet which keys there are: ask again")
        return self._by_digest

    async def _wait_for(self, reading: asyncio.Task[list[ApiKey]]) -> None:
        patience_s = None if self._by_digest is None else _PATIENCE_S
        done, _ = await asyncio.wait([reading], timeout=patience_s)
        self._asked_s = time.monotonic()
        if not done:
            return
        try:
            keys = reading.result()
        except StateError as error:
            if self._by_digest is None:
                raise
            logger.warning("Keys are those of before", reason=str(error))
        else:
            self._by_digest = {key.digest: key for key in keys}

    def _read(self) -> list[ApiKey]:
        return self._store().api_keys()
