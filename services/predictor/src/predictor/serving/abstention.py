"""When a model does not answer, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from marketstream.columns import Flags, Floats
from marketstream.messages import Features
from predictor.settings import AbstentionSettings
from predictor.training.dataset import Dataset

_FEWEST_KNOWN = 100


@dataclass(frozen=True, slots=True)
class Guard:
    """What a row has to be like to be answered; made in training, kept with the model.

    `confidence` is that of the direction, |2 p - 1|; columns are known between `low` and `high`,
    which leave room beyond what training saw. The defaults answer everything that is known.
    """

    confidence: float = 0.0
    columns: tuple[str, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    complete_only: bool = False
    stale_closes: int | None = None

    @classmethod
    def of(
        cls, columns: Sequence[str], rows: Floats, said: Floats, settings: AbstentionSettings
    ) -> Self:
        """Return the guard of a model by the rows it was fitted on and what it said of later ones.

        Columns that never differed, or were hardly ever known, say nothing about what is novel.
        """
        guarded: list[tuple[str, float, float]] = []
        for name, column in zip(columns, rows.T, strict=True):
            known = column[np.isfinite(column)]
            if len(known) < max(_FEWEST_KNOWN, len(column) / 2) or settings.novelty is None:
                continue
            if known.min() < known.max():
                low, high = float(known.min()), float(known.max())
                room = settings.novelty * (high - low)
                guarded.append((name, low - room, high + room))
        floor = float(np.quantile(np.abs(2 * said - 1), settings.rate)) if settings.rate else 0.0
        return cls(
            confidence=floor,
            columns=tuple(name for name, _, _ in guarded),
            low=tuple(low for _, low, _ in guarded),
            high=tuple(high for _, _, high in guarded),
            complete_only=settings.incomplete,
            stale_closes=settings.stale_closes,
        )

    def answered(self, data: Dataset, confidence: Floats) -> Flags:
        """Return for each row whether it is answered, by what a table can tell.

        Its rows are complete, and it does not say whether they are stale.
        """
        rows = data.columns(self.columns)
        novel = (rows < np.array(self.low)) | (rows > np.array(self.high))  # NaN is neither
        return np.asarray(~novel.any(axis=1) & (confidence >= self.confidence))

    def reason(
        self, features: Features, row: Sequence[float] | None, confidence: float, unchanged: int
    ) -> str | None:
        """Return why not to answer, or None; `unchanged` counts closes that brought nothing new.

        `row` has the values of `columns`, NaN for those not known; None where these are known to be
        within what the guard knows.
        """
        if self.complete_only and not features.complete:
            return "trades of this candle are missing"
        if self.stale_closes is not None and unchanged >= self.stale_closes:
            return f"stale: nothing has changed for {unchanged} closes"
        if row is not None:
            for name, value, low, high in zip(self.columns, row, self.low, self.high, strict=True):
                if value < low or value > high:  # NaN is neither
                    return (
                        f"novel: {name} is {value:g}, and was within {low:g} to {high:g} or near it"
                    )
        if confidence < self.confidence:
            return f"not sure enough: {confidence:.3f} of the {self.confidence:.3f} needed"
        return None


class Common:
    """What several guards agree on: a row within the narrowest of their bounds is novel to none.

    `columns` are None where they look at different ones.
    """

    def __init__(self, guards: Sequence[Guard]) -> None:
        self.columns = guards[0].columns if len({each.columns for each in guards}) == 1 else None
        self._low: tuple[float, ...] = ()
        self._high: tuple[float, ...] = ()
        if self.columns is not None:
            self._low = tuple(map(max, zip(*(each.low for each in guards), strict=True)))
            self._high = tuple(map(min, zip(*(each.high for each in guards), strict=True)))

    def holds(self, row: Sequence[float]) -> bool:
        """Return whether a row, NaN where it is not known, is novel to none."""
        for value, low, high in zip(row, self._low, self._high, strict=True):
            if value < low or value > high:
                return False
        return True
