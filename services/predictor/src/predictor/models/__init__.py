"""What can be fitted: each module here is a learner, found by itself, and exports it as `LEARNER`.

How to add one is in docs/recipes/model.md. What they have in common is in `parts`. A library that
fits is imported by who fits: a process that only serves starts without a second of imports.
"""

from __future__ import annotations

from importlib import import_module

from marketstream.columns import Flags
from predictor.learner_names import learner_names
from predictor.models.parts import calibrated_imbalance as calibrated
from predictor.models.parts import imbalance
from predictor.models.parts.calibrated_imbalance import calibrated_imbalance
from predictor.models.parts.imbalance import fit_imbalance_sign
from predictor.models.parts.learner import Classifier, Fit, Form, Learner

LEARNERS: dict[str, Learner] = {
    name: import_module(f"{__name__}.{name}").LEARNER for name in learner_names()
}

FORMS: dict[str, Form] = {
    form.kind: form
    for form in (
        imbalance.FORM,
        calibrated.FORM,
        *(each.form for each in LEARNERS.values()),
    )
}
"""How models of each class are written and read, by kind."""

fit_logistic = LEARNERS["logistic"]
"""The learner that references and the model of moves use, whatever is configured."""

__all__ = [
    "FORMS", "LEARNERS", "Classifier", "Fit", "Flags", "Form", "Learner", "calibrated_imbalance",
    "fit_imbalance_sign", "fit_logistic",
]  # fmt: skip
