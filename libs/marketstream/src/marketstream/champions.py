"""Who is to serve a market and horizon, as whoever may change that asks the models' registry."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec


class ChampionWanted(NamedTuple):
    """Which version is to serve, None for the one that did before, and why."""

    market: str
    timeframe: str
    horizon_ms: int
    version: str | None
    why: str


class ChampionChanged(msgspec.Struct, frozen=True):
    """Of which registered model which version is the champion now, and which was before."""

    model: str
    champion: str
    before: str | None
    why: str


type ChangeChampion = Callable[[ChampionWanted], Awaitable[ChampionChanged]]
"""Makes a version the champion. NotFoundError where nothing of the name is registered, InputError
where it cannot be champion, StateError where the registry is out of reach."""
