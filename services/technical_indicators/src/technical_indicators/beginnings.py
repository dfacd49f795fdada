"""Where that begins which feature engines look back on, as those who check them have to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from marketstream.operator import Operator
from marketstream.stage import Stage
from technical_indicators.group_operator import GroupEngine
from technical_indicators.operator import FeatureEngine

_MOST = 10  # earlier beginnings of a market


class Beginnings:
    """Remembers the engines that a stage makes: at their beginnings the store may go further back.

    `stage` is the one given, but for this; engines are made by one thread and asked for by others.
    """

    def __init__(self, stage: Stage) -> None:
        self._make = stage.make_operator
        self._engines: dict[str, FeatureEngine] = {}
        self._earlier: dict[str, list[int]] = {}
        self.stage = replace(stage, make_operator=self._made)

    def of(self, market: str) -> Sequence[int]:
        """Return the closes at which engines of a market began anew, as far as is known."""
        earlier, engine = self._earlier.get(market, []), self._engines.get(market)
        return earlier if engine is None else [*dict.fromkeys([*earlier, *engine.beginnings])]

    def _made(self, key: str) -> Operator[Any, Any]:
        made = self._make(key)
        if isinstance(made, GroupEngine):
            for market, engine in made.engines.items():
                self._note(market, engine)
        elif isinstance(made, FeatureEngine):
            self._note(key, made)
        return made

    def _note(self, market: str, engine: FeatureEngine) -> None:
        if market in self._engines:
            self._earlier[market] = [*self.of(market)][-_MOST:]
        self._engines[market] = engine
