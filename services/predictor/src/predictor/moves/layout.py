"""What is forecast of a timeframe: targets, horizons, and how often, in whole closes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from marketstream.messages import MovePrice, MoveTarget
from marketstream.timeframes import timeframe_ms
from predictor.moves.settings import MovesSettings

_SHORTEST_CLOSE_MS = 60_000  # of which the last price is one to be judged by
_FIT_EVERY_MS = 10_000

type Combination = tuple[MoveTarget, int]
"""A target and a horizon in ms."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The targets and horizons of one timeframe; all times are whole numbers of its closes."""

    timeframe: str
    base_ms: int
    step_ms: int
    targets: tuple[MoveTarget, ...]
    horizons_ms: tuple[int, ...]
    latency_ms: int = 0

    @classmethod
    def of(cls, settings: MovesSettings, timeframe: str, latency_ms: int) -> Self | None:
        """Return what of the settings a timeframe allows; None where that is nothing."""
        base_ms = timeframe_ms(timeframe)
        horizons_ms = sorted({1_000 * s for s in settings.horizons if 1_000 * s % base_ms == 0})
        if not (settings.targets and horizons_ms):
            return None
        step_ms = 1_000 * settings.step_s
        if step_ms % base_ms:
            step_ms = horizons_ms[0]
            horizons_ms = [h for h in horizons_ms if h % step_ms == 0]
        if 3_600_000 % step_ms:
            return None
        targets = tuple(dict.fromkeys(settings.targets))
        return cls(timeframe, base_ms, step_ms, targets, tuple(horizons_ms), latency_ms)

    @property
    def price(self) -> MovePrice:
        """Which price is forecast: last prices of short candles bounce between bid and ask."""
        return "close" if self.base_ms >= _SHORTEST_CLOSE_MS else "mid"

    @property
    def late_closes(self) -> int:
        """How many closes after a decision a horizon begins."""
        return -(-self.latency_ms // self.base_ms)

    @property
    def fit_step_ms(self) -> int:
        """How far apart the rows are that models are fitted on: closer than forecasts."""
        closer_ms = max(_FIT_EVERY_MS, self.base_ms)
        return closer_ms if self.step_ms % closer_ms == 0 else self.step_ms

    def closes(self, span_ms: int) -> int:
        """Return how many closes a time spans."""
        return span_ms // self.base_ms
