"""The boosters of all horizons, asked about one vector at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from predictor.models.parts.booster import Booster
from predictor.models.parts.forest import Forest
from predictor.serving.panel import Panel
from predictor.serving.rows import Reader, Rows

FEWEST = 6  # boosters: fewer are asked sooner one by one


class AtOnce:
    """The trees of several panels, which say of a vector what each booster would say by itself."""

    def __init__(self, panels: Iterable[Panel]) -> None:
        asked: dict[Reader, dict[Booster, None]] = {}
        for panel in panels:
            for reader, trees in panel.trees:
                asked.setdefault(reader, {})[trees] = None
        self._forests = [
            (reader, tuple(boosters), Forest([b.flat for b in boosters if b.flat is not None]))
            for reader, boosters in asked.items()
            if len(boosters) >= FEWEST
        ]

    def ask(self, rows: Rows) -> Mapping[Booster, float]:
        """Return what they say, by booster; those that are missing have to be asked themselves."""
        told: dict[Booster, float] = {}
        for reader, boosters, forest in self._forests:
            row, known = rows.read(reader)
            said = forest.ask(row) if known else None
            if said is not None:
                told |= zip(boosters, said, strict=True)
        return told
