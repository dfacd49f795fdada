"""Who serves is changed at the models' registry, for the API, in a process beside."""

from __future__ import annotations

from marketstream.champions import ChampionChanged, ChampionWanted
from predictor.registry.aside import champion_aside
from predictor.registry.names import model_name
from realtime_training.one_by_one import OneByOne


class ChampionsChanged:
    """Changes champions one after the other, in some seconds each; a ChangeChampion."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._turns = OneByOne("too many champions are changed at once: ask again")

    async def __call__(self, wanted: ChampionWanted) -> ChampionChanged:
        """Make a version champion and return what changed."""
        name = model_name(wanted.market, wanted.timeframe, wanted.horizon_ms)
        return await self._turns.do(champion_aside, self._uri, name, wanted.version, wanted.why)
