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
        self._reading: asyncio.Task[None] | None = None
        self._unknown_because = "the store has not said yet which keys there are: ask again"
        self._asked_s = float("-inf")

    async def find(self, secret: str) -> ApiKey | None:
        """Return the key of a secret; StateError where the store has never said which there are."""
        return (await self._known()).get(digest_of(secret))

    def find_now(self, secret: str) -> ApiKey | None:
        """Return the key of a secret; None where there is none, or the store is to be asked."""
        is_fresh = time.monotonic() - self._asked_s <= _FRESH_S
        return self._by_digest.get(digest_of(secret)) if is_fresh and self._by_digest else None

    async def _known(self) -> Mapping[str, ApiKey]:
        if time.monotonic() - self._asked_s > _FRESH_S:
            if self._reading is None or self._reading.done():
                self._reading = asyncio.create_task(self._read())
            patience_s = None if self._by_digest is None else _PATIENCE_S
            await asyncio.wait([self._reading], timeout=patience_s)
            self._asked_s = time.monotonic()
        if self._by_digest is None:
            raise StateError(self._unknown_because)
        return self._by_digest

    async def _read(self) -> None:
        """Read the keys, whoever still waits for them."""
        try:
            keys = await asyncio.to_thread(self._stored)
        except StateError as error:
            self._unknown_because = str(error)
            logger.warning("Keys cannot be read", reason=str(error))
            return
        self._by_digest = {key.digest: key for key in keys}

    def _stored(self) -> list[ApiKey]:
        return self._store().api_keys()
