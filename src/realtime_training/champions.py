"""Who serves is changed at the models' registry, for the API, in a process beside."""

from __future__ import annotations

import asyncio

from marketstream.champions import ChampionChanged, ChampionWanted
from marketstream.errors import TransientStateError
from predictor.registry.aside import champion_aside
from predictor.registry.names import model_name

_MOST_WAITING = 8


class ChampionsChanged:
    """Changes champions one after the other, in some seconds each; a ChangeChampion."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def __call__(self, wanted: ChampionWanted) -> ChampionChanged:
        """Make a version champion and return what changed."""
        if self._waiting >= _MOST_WAITING:
            raise TransientStateError("too many champions are changed at once: ask again")
        self._waiting += 1
        try:
            async with self._turn:
                name = model_name(wanted.market, wanted.timeframe, wanted.horizon_ms)
                return await asyncio.to_thread(
                    champion_aside, self._uri, name, wanted.version, wanted.why
                )
        finally:
            self._waiting -= 1
