"""Which features a model leans on: by permutation, and by what each adds to an answer."""

from __future__ import annotations

from typing import NamedTuple

import lightgbm
import numpy as np
import xgboost

from marketstream.columns import Floats
from predictor.models import LEARNERS, Classifier
from predictor.models.lightgbm import Trees
from predictor.models.parts.trees import within_32_bits
from predictor.models.xgboost import XgboostTrees
from predictor.settings import PredictorSettings
from predictor.training.calibration import log_loss
from predictor.training.dataset import Dataset
from predictor.validation.splits import latest

_MOST_ROWS = 5_000
_REPEATS = 3
_SEED = 1


class Importance(NamedTuple):
    """What a feature is worth to a model, on rows it was not fitted on.

    `permutation` is how much the log loss grows where its values are shuffled among the rows
    (Breiman 2001); `contribution` the mean size of what it adds to the log odds by TreeSHAP
    (Lundberg et al. 2018, arXiv:1802.03888), None for learners that do not tell.
    """

    name: str
    permutation: float
    contribution: float | None


def importances(data: Dataset, settings: PredictorSettings) -> list[Importance]:
    """Fit the learner on the earlier moved rows and ask the later; the most important first.

    Nothing where there are too few rows on either side.
    """
    moved = data.take(data.moved)
    if len(moved) < settings.training.fewest_moved:
        return []
    split = latest(moved, settings.training.validation_split, embargo=settings.training.embargo)
    earlier, later = moved.take(split.train), moved.take(split.test)
    if len(earlier) < settings.training.fewest_moved or len(later) == 0:
        return []
    names, model = settings.features, settings.model
    fitted = LEARNERS[model.type](earlier.columns(names), earlier.up, model.hyperparameters)
    asked = later.take(np.arange(len(later)) % -(-len(later) // _MOST_ROWS) == 0)
    rows, up = asked.columns(names), asked.up
    adds = contributions(fitted, rows)
    found = [
        Importance(
            name=name,
            permutation=_permuted(fitted, rows, up, column),
            contribution=None if adds is None else float(np.abs(adds[:, column]).mean()),
        )
        for column, name in enumerate(names)
    ]
    return sorted(found, key=lambda each: -each.permutation)


def contributions(classifier: Classifier, rows: Floats) -> Floats | None:
    """Return what each column adds to the log odds of each row by TreeSHAP; None of other kinds."""
    if isinstance(classifier, Trees):
        booster = lightgbm.Booster(model_str=classifier.text)
        adds = booster.predict(rows, pred_contrib=True, num_threads=1)
    elif isinstance(classifier, XgboostTrees):
        matrix = xgboost.DMatrix(within_32_bits(rows), nthread=1)
        adds = classifier.booster.predict(matrix, pred_contribs=True)
    else:
        return None
    return np.asarray(adds, np.float64)[:, :-1]  # the last is what no column adds


def _permuted(fitted: Classifier, rows: Floats, up: np.ndarray, column: int) -> float:
    before = log_loss(fitted.probability(rows), up)
    random = np.random.default_rng(_SEED)
    losses = []
    for _ in range(_REPEATS):
        shuffled = rows.copy()
        shuffled[:, column] = random.permutation(rows[:, column])
        losses.append(log_loss(fitted.probability(shuffled), up))
    return float(np.mean(losses)) - before
