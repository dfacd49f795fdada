"""One decayed sum as a share of another: the form that most features of the flow have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from marketstream.columns import Floats
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_definition import Recursive, State
from technical_indicators.base_row import BaseRow
from technical_indicators.decay import BLOCK, FADED, Decay, run_of

type Terms = Callable[[Any], tuple[Any, Any]]
"""What a candle adds above and below: of a `BaseRow`, and of `BaseColumns` by the same names."""


def decayed_share(terms: Terms, *, more: float = 0.0) -> Callable[..., Recursive]:
    """Return the form of above / (below + more), 0 where there has been nothing."""

    class DecayedShare(Recursive):
        def __init__(self, base_s: float, seconds: float) -> None:
            self._decay = Decay(seconds, base_s)
            self.rows, self.settles = self._decay.rows, self._decay.settles

        def step(self, state: State | None, row: BaseRow) -> State | None:
            if not row.is_known:
                return None
            adds_above, adds_below = terms(row)
            if state is None:
                return 1.0, adds_above, 0.0, adds_below, 0.0
            seen, above, above_carried, below, below_carried = state
            if seen % BLOCK:  # as fold does, in a third of the time
                factor = self._decay.factor
                above, below = above * factor + adds_above, below * factor + adds_below
                return seen + 1, above, above_carried, below, below_carried
            return (
                seen + 1,
                *self._decay.fold(int(seen), (above, above_carried), adds_above),
                *self._decay.fold(int(seen), (below, below_carried), adds_below),
            )

        def value(self, state: State) -> float | None:
            seen = int(state[0])
            if seen < self.rows:
                return None
            below = self._decay.total(seen, state[3:]) + more
            return self._decay.total(seen, state[1:3]) / below if below > FADED else 0.0

        def columnar(self, columns: BaseColumns) -> Floats:
            run = run_of(columns.is_known, columns.run)
            above, below = (self._decay.totals(each, run) for each in terms(columns))
            below = below + more
            series = np.where(below > FADED, above / below, 0.0)
            return np.where(run >= self.rows, series, np.nan)

    return DecayedShare
