"""What each feature adds to what a candidate said: terms that sum to its log odds of up.

Of linear models these are the terms of the sum, of trees their SHAP values, both exact; around them
a calibration multiplies, and a correction adds to its reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from marketstream.explanation import Terms
from predictor.models import FORMS, Classifier
from predictor.serving.rows import row_of
from predictor.training.calibration import Calibrated, log_odds_of
from predictor.training.candidates import Candidate
from predictor.training.correction import Corrected

_CONTRIBUTIONS = {form.made: form.contributions for form in FORMS.values()}


def take_apart(candidate: Candidate, values: Mapping[str, float | None]) -> Terms:
    """Return what a candidate said of a vector, feature by feature."""
    row, _ = row_of(candidate.columns, values)
    said = log_odds_of(candidate.up.probability_of(row))
    added = _added(candidate.up, row)
    if added is None:
        return Terms(said, said, None)
    return Terms(said, said - sum(added), dict(zip(candidate.columns, added, strict=True)))


def _added(classifier: Classifier, row: Sequence[float]) -> list[float] | None:
    """Return what each column of a row adds to the log odds; None where nobody can say."""
    if isinstance(classifier, Calibrated):
        inner = _added(classifier.classifier, row)
        return None if inner is None else [classifier.slope * each for each in inner]
    if isinstance(classifier, Corrected):
        return _corrected(classifier, row)
    contributions = _CONTRIBUTIONS[type(classifier)]
    return None if contributions is None else contributions(classifier, row)


def _corrected(model: Corrected, row: Sequence[float]) -> list[float] | None:
    reference = _added(model.reference, [row[column] for column in model.reads])
    correction = _added(model.correction, row[: model.width]) if model.share else []
    if reference is None or correction is None:
        return None
    added = [0.0] * len(row)
    kept = 1 - model.share if model.stacked else 1.0
    for column, each in zip(model.reads, reference, strict=True):
        added[column] += kept * each
    for column, each in enumerate(correction):
        added[column] += model.share * each
    return added
