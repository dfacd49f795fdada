"""Probabilities calibrated on later rows by temperature scaling.

Guo et al. 2017, On Calibration of Modern Neural Networks, arXiv:1706.04599.

One number for each model: it keeps the direction and the order of what the model said, and a few
hundred rows determine it. Isotonic regression needs thousands (Niculescu-Mizil and Caruana 2005),
and neighbouring rows, whose outcomes overlap, are worth less than they count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, tanh

import numpy as np

from marketstream.columns import Flags, Floats
from predictor.models import Classifier

SURE = 1e-6  # what is closer to 0 or 1 counts as this
SUREST = 1 - SURE
_FLATTEST, _STEEPEST = 0.01, 3.0
_DEVIATION = 0.5  # of the normal prior around 1: few rows leave a model as it is


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A classifier whose log odds are multiplied by `slope`, the inverse of the temperature."""

    classifier: Classifier
    slope: float

    def probability(self, rows: Floats) -> Floats:
        """Return the calibrated probability of each row."""
        return scaled(self.classifier.probability(rows), self.slope)

    def probability_of(self, row: Sequence[float]) -> float:
        """Return the same of one row."""
        p = self.classifier.probability_of(row)
        if p < SURE:  # as `log_odds_of` does, without a call
            p = SURE
        elif p > SUREST:
            p = SUREST
        return 0.5 + 0.5 * tanh(self.slope * (log(p) - log(1 - p)) / 2)


def scaled(p: Floats, slope: float) -> Floats:
    """Return probabilities with their log odds multiplied."""
    return probability(slope * log_odds(p))


def fit_slope(p: Floats, came: Flags) -> float:
    """Return the slope under which what was said fits best what came; 1 where nothing says so.

    Never negative: a model that is wrong more often than right ends next to one half.
    """
    odds = np.where(came, 1.0, -1.0) * log_odds(p)

    def loss(slope: float) -> float:
        pull = (slope - 1) ** 2 / (2 * _DEVIATION**2)
        return float(np.logaddexp(0, -slope * odds).sum()) + pull

    from scipy.optimize import minimize_scalar

    return float(minimize_scalar(loss, bounds=(_FLATTEST, _STEEPEST), method="bounded").x)


def log_loss(p: Floats, came: Flags) -> float:
    """Return the mean log loss of probabilities."""
    return float(np.mean(log_losses(p, came)))


def log_losses(p: Floats, came: Flags) -> Floats:
    """Return the log loss of each probability."""
    p = np.clip(p, SURE, 1 - SURE)
    return np.asarray(-np.where(came, np.log(p), np.log(1 - p)), np.float64)


def calibration_error(p: Floats, came: Flags, bins: int = 10) -> float:
    """Return the expected calibration error over bins with as many rows each (Nixon et al. 2019).

    Rows that were told the same share a bin. It never reads 0: with n rows, pure chance alone makes
    about 0.4 * sqrt(bins / n).
    """
    edges = np.unique(np.quantile(p, np.linspace(0, 1, bins + 1)[1:-1]))
    bin_of = np.searchsorted(edges, p, side="left")
    gaps = np.bincount(bin_of, weights=p - came, minlength=len(edges) + 1)
    return float(np.abs(gaps).sum() / len(p))


def log_odds(p: Floats) -> Floats:
    """Return the log odds of probabilities; what is next to 0 or 1 counts as a millionth off."""
    p = np.clip(p, SURE, 1 - SURE)
    return np.asarray(np.log(p) - np.log(1 - p), np.float64)


def log_odds_of(p: float) -> float:
    """Return the same of one probability."""
    if p < SURE:
        p = SURE
    elif p > SUREST:
        p = SUREST
    return log(p) - log(1 - p)


def probability(odds: Floats) -> Floats:
    """Return the probabilities of log odds."""
    return np.asarray(0.5 + 0.5 * np.tanh(odds / 2), np.float64)


def probability_of(odds: float) -> float:
    """Return the same of one."""
    return 0.5 + 0.5 * tanh(odds / 2)
