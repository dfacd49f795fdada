"""What a registered model is shown with: its figures, the pictures of them, and its data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from predictor.policy.average import AVERAGE
from predictor.settings import PredictorSettings
from predictor.training.fitting import TrainedModel
from predictor.validation.answers import Answers
from predictor.validation.figures import Evaluation
from predictor.validation.importance import Importance

EVALUATION_FILE = "evaluation.json"
ANSWERS_FILE = "answers.npz"
_METRICS = (
    "rows", "flat_share", "abstained", "accuracy_all", "accuracy_half", "log_loss",
    "log_loss_classes", "brier", "calibration_error", "gross_bps", "spread_bps", "net_bps",
    "coverage", "trials", "seconds",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Evidence:
    """How good a model is on rows it had not seen, and why it serves or does not.

    `data` is a digest of what it was made of, `sources` where that came from. `pictures` are files
    by name, `answers` what it said walking forward.
    """

    evaluation: Evaluation
    promoted: bool
    reason: str
    data: str
    sources: Sequence[str] = ()
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    importance: Sequence[Importance] = ()
    answers: Answers | None = None

    def files(self) -> dict[str, bytes]:
        """Return everything that is a file, by name."""
        importance = [each._asdict() for each in self.importance]
        answers = {} if self.answers is None else {ANSWERS_FILE: self.answers.dump()}
        return {
            EVALUATION_FILE: msgspec.json.format(msgspec.json.encode(self.evaluation)),
            "importance.json": msgspec.json.format(msgspec.json.encode(importance)),
            **answers,
            **self.pictures,
        }

    def metrics(self) -> Iterator[tuple[str, float, int]]:
        """Yield name, value and step of each number known; those of folds have theirs as step."""
        evaluation = self.evaluation
        for name in _METRICS:
            value = getattr(evaluation, name)
            if value is not None:
                yield f"evaluation.{name}", float(value), 0
        score = evaluation.score
        if score is not None and score.accuracy is not None:
            for name in ("moved", "effective", "accuracy", "low", "high"):
                yield f"evaluation.{name}", float(getattr(score, name)), 0
        for top in evaluation.top:
            if top.score.accuracy is not None:
                yield f"evaluation.top_{100 * top.share:g}.accuracy", top.score.accuracy, 0
                yield f"evaluation.top_{100 * top.share:g}.coverage", top.coverage, 0
        average = {} if evaluation.average is None else {AVERAGE: evaluation.average}
        for name, rival in (evaluation.baselines | evaluation.references | average).items():
            yield f"evaluation.{name}.accuracy", rival.accuracy, 0
        for step, fold in enumerate(evaluation.folds):
            for name in ("accuracy", "log_loss"):
                value = getattr(fold, name)
                if value is not None:
                    yield f"fold.{name}", value, step


def parameters_of(settings: PredictorSettings) -> dict[str, object]:
    """Return how models are made with these settings."""
    return {
        "learner": settings.model.type,
        "hyperparameters": settings.model.hyperparameters,
        "features": ", ".join(settings.features),
        "validation_split": settings.training.validation_split,
        "folds": settings.training.folds,
        "embargo": settings.training.embargo,
    }


def metrics_of(model: TrainedModel) -> dict[str, float]:
    """Return the numbers of a training itself."""
    return {
        **{f"log_loss.{name}": loss for name, loss in model.validation.items()},
        "rows": model.rows,
        "trained_at_ms": model.trained_at_ms,
        "move_size": model.move_size,
        "low": model.low,
        "high": model.high,
    }
