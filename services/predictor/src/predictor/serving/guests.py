"""Models from outside at one market: which take part where, and what each says of a close."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from predictor.arena.guest import Guest
from predictor.serving.panel import Guested
from predictor.serving.rows import Rows


class Guests:
    """The models from outside, and what those have said so far that are asked elsewhere."""

    def __init__(self, guests: Sequence[Guest]) -> None:
        self._guests = tuple(guests)
        self._told: dict[tuple[str, int], Mapping[int, float]] = {}
        self.names = frozenset(each.name for each in guests)

    def models(self, horizon_ms: int) -> dict[str, str]:
        """Return the identities of those that take part at a horizon, by name."""
        return {each.name: each.model for each in self._guests if horizon_ms in each.horizons_ms}

    def tell(self, name: str, close_time_ms: int, said: Mapping[int, float]) -> None:
        """Note what one says of a close to come: how likely up is, given a move, by horizon."""
        self._told[name, close_time_ms] = said

    def forget(self, close_time_ms: int) -> None:
        """Drop what was said of a close and those before it."""
        if self._told:
            self._told = {key: said for key, said in self._told.items() if key[1] > close_time_ms}

    def hear(
        self, rows: Rows, close_time_ms: int, horizon_ms: int, *, preview: bool = False
    ) -> list[Guested]:
        """Ask all about a vector; one that does not know all its features abstains."""
        heard: list[Guested] = []
        for each in self._guests:
            if horizon_ms not in each.horizons_ms:
                continue
            if each.ask is None:
                said = self._told.get((each.name, close_time_ms), {}).get(horizon_ms)
            else:
                row, known = rows.of(each.columns)
                said = each.ask(tuple(row), horizon_ms, preview=preview) if known else None
            heard.append(Guested(each.name, each.model, said))
        return heard
