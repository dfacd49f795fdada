"""A learner on top of a reference: the reference's log odds, and a share of what is added to them.

Few rows leave a reference as it is, where a model that starts from nothing loses to it. Learners
that can are fitted with the reference's log odds as an offset (LightGBM's `init_score`, XGBoost's
`base_margin`); of the others, the difference from the reference is what is added (stacking, Wolpert
1992). The share is fitted to later rows than those that were learnt from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, tanh

import numpy as np

from marketstream.columns import Flags, Floats
from predictor.models import Classifier
from predictor.training.calibration import (
    SURE,
    SUREST,
    log_odds,
    log_odds_of,
    probability,
    probability_of,
)

_DEVIATION = 0.5  # of the normal prior around 0: few rows add little


@dataclass(frozen=True, slots=True)
class Corrected:
    """A reference that reads the columns at `reads`, and `share` of a correction.

    The correction reads the columns from the first on, `width` of them. It adds its log odds, or
    where it is `stacked` the difference of its log odds from the reference's.
    """

    reference: Classifier
    reads: tuple[int, ...]
    correction: Classifier
    width: int
    share: float
    stacked: bool

    def probability(self, rows: Floats) -> Floats:
        """Return the probability of each row."""
        base = log_odds(self.reference.probability(rows[:, self.reads]))
        added = log_odds(self.correction.probability(rows[:, : self.width]))
        return probability(base + self.share * (added - base if self.stacked else added))

    def probability_of(self, row: Sequence[float], p: float | None = None) -> float:
        """Return the same of one row; `p` is what the correction says, where it was asked."""
        said = self.reference.probability_of([row[c] for c in self.reads])
        return self.corrected(log_odds_of(said), row, p)

    def corrected(self, base: float, row: Sequence[float], p: float | None = None) -> float:
        """Return the same of one row of which the log odds of the reference are known already."""
        share = self.share
        if share == 0:  # as it is where there is nothing to add: no need to ask
            return probability_of(base)
        if p is None:
            p = self.correction.probability_of(row if len(row) == self.width else row[: self.width])
        if p < SURE:  # as `log_odds_of` does, without a call
            p = SURE
        elif p > SUREST:
            p = SUREST
        added = log(p) - log(1 - p)
        return 0.5 + 0.5 * tanh((base + share * (added - base if self.stacked else added)) / 2)


def fit_share(base: Floats, added: Floats, came: Flags, *, overlap: float) -> float:
    """Return the share of a correction, 0 to 1, under which what was said fits best what came.

    `base` and `added` are log odds. `overlap` is how many neighbouring rows say the same, since
    their outcomes overlap: by so much less they count against the prior around 0.
    """
    side = np.where(came, 1.0, -1.0)

    def loss(share: float) -> float:
        told = float(np.logaddexp(0, -side * (base + share * added)).sum())
        return told / overlap + share**2 / (2 * _DEVIATION**2)

    from scipy.optimize import minimize_scalar

    found = float(minimize_scalar(loss, bounds=(0.0, 1.0), method="bounded").x)
    return found if loss(found) < loss(0.0) else 0.0
