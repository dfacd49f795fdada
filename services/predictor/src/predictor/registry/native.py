"""A trained model as JSON: no pickle, readable by people and by other programs.

    {"format": 2, "sha256": "...", "model":
        {"horizon_ms": 2000, ...,
         "champion": {"name": "lightgbm", "columns": ["imbalance", ...], "up": CLASSIFIER},
         "references": [...], "challengers": [...], "earlier": [["6", {...}], ...],
         "moves": CLASSIFIER, ...}}

The keys of the model are the fields of `TrainedModel`. CLASSIFIER has the fields of its class and
its `kind`: that of its learner's form, such as `logistic`, `trees` or `lightgbm`, whose `booster`
is that library's own model text; `calibrated`, which holds another one as its `classifier`; or
`corrected`, which holds two, a `reference` and its `correction`.
Every number comes back bit for bit; NaN and infinity are written as Python's `json` does.
The digest is that of the model written by itself: LightGBM ends the whole process on some damaged
texts, so nothing damaged may reach it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

import msgspec

from marketstream.errors import InputError
from predictor.models import FORMS, Classifier
from predictor.serving.abstention import Guard
from predictor.training.calibration import Calibrated
from predictor.training.candidates import Candidate, Earlier
from predictor.training.correction import Corrected
from predictor.training.fitting import TrainedModel

_FORMAT = 2
_READ = (1, 2)  # in 1 `expected_loss` may be missing: then it is not known
_SAID = " and ".join(map(str, _READ))
_CALIBRATED = "calibrated"
_CORRECTED = "corrected"


def dump(model: TrainedModel) -> bytes:
    """Write a model; TypeError for a kind of classifier that has no form here."""
    fields = {field.name: getattr(model, field.name) for field in dataclasses.fields(model)}
    fields["champion"] = _write_candidate(model.champion)
    for several in ("references", "challengers"):
        fields[several] = [_write_candidate(each) for each in getattr(model, several)]
    fields["earlier"] = [(version, _write_candidate(each)) for version, each in model.earlier]
    fields["moves"] = _write_classifier(model.moves)
    fields["guard"] = dataclasses.asdict(model.guard)
    return json.dumps({"format": _FORMAT, "sha256": _digest(fields), "model": fields}).encode()


def load(data: bytes) -> TrainedModel:
    """Read a model whose predictions are those of the one written.

    Raises InputError for what is no model, is damaged, or was written by a program whose models are
    made differently.
    """
    try:
        written = json.loads(data)
        if written["format"] not in _READ:
            raise InputError(
                f"the model has format {written['format']!r}, and this program reads {_SAID}: "
                "serve it by the release that wrote it, or train anew"
            )
        fields = written["model"]
        if _digest(fields) != written["sha256"]:
            raise InputError("the model is damaged: its digest is not the one written")
        fields["champion"] = _read_candidate(fields["champion"])
        for several in ("references", "challengers"):
            fields[several] = tuple(_read_candidate(each) for each in fields.get(several, ()))
        fields["earlier"] = tuple(
            Earlier(version, _read_candidate(each)) for version, each in fields.get("earlier", ())
        )
        fields["moves"] = _read_classifier(fields["moves"])
        fields["guard"] = msgspec.convert(fields.get("guard", {}), Guard)
        fields["move_columns"] = tuple(fields["move_columns"])
        return TrainedModel(**fields)
    except (ValueError, LookupError, TypeError, AttributeError, msgspec.MsgspecError) as error:
        raise InputError(f"the model cannot be read ({error!r})") from error


def _digest(fields: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields).encode()).hexdigest()


def _write_candidate(candidate: Candidate) -> dict[str, Any]:
    up = _write_classifier(candidate.up)
    return {"name": candidate.name, "columns": candidate.columns, "up": up}


def _read_candidate(written: dict[str, Any]) -> Candidate:
    up = _read_classifier(written["up"])
    return Candidate(written["name"], tuple(written["columns"]), up)


def _write_classifier(classifier: Classifier) -> dict[str, Any]:
    if isinstance(classifier, Calibrated):
        inner = _write_classifier(classifier.classifier)
        return {"kind": _CALIBRATED, "slope": classifier.slope, "classifier": inner}
    if isinstance(classifier, Corrected):
        return {
            "kind": _CORRECTED,
            "reference": _write_classifier(classifier.reference),
            "reads": classifier.reads,
            "correction": _write_classifier(classifier.correction),
            "width": classifier.width,
            "share": classifier.share,
            "stacked": classifier.stacked,
        }
    for kind, form in FORMS.items():
        if type(classifier) is form.made:
            return {"kind": kind, **form.write(classifier)}
    raise TypeError(f"{type(classifier).__name__} has no native form: its learner has to give one")


def _read_classifier(written: dict[str, Any]) -> Classifier:
    kind = written["kind"]
    if kind == _CALIBRATED:
        return Calibrated(_read_classifier(written["classifier"]), written["slope"])
    if kind == _CORRECTED:
        return Corrected(
            reference=_read_classifier(written["reference"]),
            reads=tuple(written["reads"]),
            correction=_read_classifier(written["correction"]),
            width=written["width"],
            share=written["share"],
            stacked=written["stacked"],
        )
    return FORMS[kind].read(written)
