"""What is asked of the training process, and what it answers.

This module imports nothing heavy, and nothing of the process, the trainer or the registrar: all
three know it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from predictor.gates.distribution import Distribution
    from predictor.moves.fit import Fit
    from predictor.moves.job import MovesJob
    from predictor.training.fitting import TrainedModel
    from predictor.training.retraining import TrainingJob

type Models = dict[int, TrainedModel]


@dataclass(frozen=True, slots=True)
class Registration:
    """Where models are registered, and the timeframe of all that are trained here.

    The state folder has what was found of training sets in `data-docs`, and in `models` copies of
    those that serve or wait to be registered.
    """

    uri: str
    timeframe: str
    state: Path


def registry_uri(tracking_uri: str | None, state: Path) -> str:
    """Return MLFLOW_TRACKING_URI where it was set, else a SQLite file in the state folder."""
    if tracking_uri is not None:
        return tracking_uri
    return f"sqlite:///{(state / 'mlflow.sqlite').resolve()}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The question for champions that were trained on a feature set."""

    markets: tuple[str, ...]
    horizons_ms: tuple[int, ...]
    feature_set: str


@dataclass(frozen=True, slots=True)
class Serving:
    """The question which champions are others than those that serve.

    `versions` are by market and horizon, `feature_sets` by market.
    """

    versions: Mapping[str, Mapping[int, str]]
    feature_sets: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CatchUp:
    """The request to register what waits for it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Models by market and horizon, what could not be kept, and what failed altogether.

    `refusal` says what is wrong with a training set that was not trained on. `stays` says of the
    horizons whose serving model was not beaten by one of fewer rows why it serves on,
    `distributions` are those of the set's features. `unregistered` is how many models wait for the
    registry. `fits` say how far a price will go.
    """

    models: dict[str, Models] = field(default_factory=dict)
    complaints: tuple[str, ...] = ()
    failure: str | None = None
    refusal: str | None = None
    stays: Mapping[int, str] = field(default_factory=dict)
    unregistered: int = 0
    distributions: Mapping[str, Distribution] = field(default_factory=dict)
    fits: tuple[Fit, ...] = ()


type Request = TrainingJob | MovesJob | Wanted | Serving | CatchUp
