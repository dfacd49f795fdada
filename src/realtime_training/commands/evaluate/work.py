"""`realtime evaluate`: how good each model is at each horizon, walking forward over a dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from marketstream.errors import InputError, StateError
from marketstream.timeframes import horizon_ms
from predictor.settings import Learner, ModelSettings, PredictorSettings
from predictor.training.dataset import Dataset, labelled
from predictor.training.prices import Label, choose_label, label_prices
from predictor.validation.evaluation import evaluate_rows
from predictor.validation.figures import Evaluation
from predictor.validation.out_of_sample import OutOfSample
from predictor.validation.splits import walk_forward
from realtime_training.datasets import Recorded
from realtime_training.datasets.pooling import pooled_rows

type Stage = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to evaluate: horizons in timeframes; `tune_s` seconds of tuning each, on earlier rows.

    `label` is another than the one that the prices allow, for comparison only.
    """

    horizons: tuple[int, ...]
    models: tuple[Learner, ...]
    latency_ms: int = 0
    cost_bps: float = 0.0
    folds: int | None = None
    tune_s: int | None = None
    label: Label | None = None


@dataclass(frozen=True, slots=True)
class Evaluated:
    """One model at one horizon, the rows it was judged on, and the settings it had."""

    horizon: int
    evaluation: Evaluation
    rows: OutOfSample | None
    settings: PredictorSettings


def evaluate_all(
    data: Recorded,
    wanted: Wanted,
    settings: PredictorSettings,
    *,
    advanced: Stage | None = None,
) -> list[Evaluated]:
    """Walk each model forward at each horizon.

    Raises InputError where the label wanted cannot be had of the prices, or none was wanted and
    they allow no honest one, or where nothing is known that models are to use.
    """
    check_features(data, settings)
    label = wanted.label or choose_label(data.prices)
    if not np.isfinite(label_prices(data.prices, label)).any():
        raise InputError(
            f"label {label}: these data have no such prices; leave --label out for {data.label}"
        )
    results = []
    for model in wanted.models:
        for horizon in wanted.horizons:
            chosen = settings_for(data, model, settings, folds=wanted.folds)
            name = f"{model} {horizon} x {data.timeframe}"
            trials = 1
            if wanted.tune_s is not None:
                chosen, trials = _tuned(data, horizon, wanted, chosen, name, advanced)
            evaluation, rows = evaluate_rows(
                rows_of(data, horizon, label, wanted.latency_ms),
                chosen,
                cost_bps=wanted.cost_bps,
                trials=trials,
                advanced=told_of(advanced, name),
            )
            results.append(Evaluated(horizon, evaluation, rows, chosen))
    return results


def check_features(data: Recorded, settings: PredictorSettings) -> None:
    """Raise InputError where rows are there, and none of the features for models."""
    if data.used or len(data.table) < settings.training.fewest_moved:
        return
    said = "; ".join(f"{names} ({reason})" for reason, names in data.unused_by_reason.items())
    raise InputError(
        f"features: none of those configured can be used of these data: {said}: choose others in "
        "services/predictor/config.yaml, or give other files"
    )


def settings_for(
    data: Recorded, model: Learner, settings: PredictorSettings, *, folds: int | None = None
) -> PredictorSettings:
    """Return the settings of a learner on a dataset: the configured ones, as far as they apply."""
    configured = settings.model
    if configured.type != model:
        configured = ModelSettings(type=model)
    training = settings.training
    if folds is not None:
        training = training.model_copy(update={"folds": folds})
    return settings.model_copy(
        update={"model": configured, "features": list(data.used), "training": training}
    )


def summary(data: Recorded, wanted: Wanted, results: Sequence[Evaluated]) -> dict[str, Any]:
    """Return what `--json` prints: figures by model and horizon, and what they were made on."""
    models: dict[str, dict[str, Any]] = {}
    for each in results:
        figures = msgspec.to_builtins(each.evaluation)
        score = figures.pop("score") or {}
        hyperparameters = each.settings.model.hyperparameters
        models.setdefault(each.evaluation.model, {})[str(each.horizon)] = {
            **figures, **score, "hyperparameters": hyperparameters,
        }  # fmt: skip
    return {
        "symbol": data.symbol,
        "timeframe": data.timeframe,
        "label": wanted.label or data.label,
        "latency_ms": wanted.latency_ms,
        "cost_bps": wanted.cost_bps,
        "rows": len(data.table),
        "first_close_ms": int(data.table.close_time_ms[0]) if len(data.table) else None,
        "last_close_ms": int(data.table.close_time_ms[-1]) if len(data.table) else None,
        "features": list(data.used),
        "features_not_used": dict(data.unused),
        "feature_set": data.feature_set,
        "data": data.identity,
        "cached": data.cached,
        "models": models,
    }


def draw(data: Recorded, wanted: Wanted, results: Sequence[Evaluated], folder: Path) -> list[Path]:
    """Draw each model and horizon into a folder, and return the files.

    Raises StateError where they cannot be written.
    """
    from predictor.validation.importance import importances
    from predictor.validation.plots import Judged, together  # with matplotlib

    drawn = []
    for each in results:
        if each.rows is None:
            continue
        weights = importances(labelled_by(data, wanted, each.horizon), each.settings)
        picture = together(Judged(each.evaluation, each.rows, weights))
        name = f"{each.evaluation.model}-{each.horizon}x{data.timeframe}.svg"
        drawn.append(write_picture(folder / name, picture))
    return drawn


def write_picture(path: Path, picture: bytes) -> Path:
    """Write a picture, with the folder it is in; StateError where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture)
    except OSError as error:
        raise StateError(f"{path}: cannot be written ({error.strerror})") from error
    return path


def labelled_by(data: Recorded, wanted: Wanted, horizon: int) -> Dataset:
    """Return the rows of a dataset with the label wanted, so many timeframes ahead."""
    return rows_of(data, horizon, wanted.label or data.label, wanted.latency_ms)


def rows_of(data: Recorded, horizon: int, label: Label, latency_ms: int) -> Dataset:
    """Return the rows with their labels, of all markets where there are several."""
    ahead_ms = horizon_ms(horizon, data.timeframe)
    found = [
        labelled(part.table, part.prices, horizon_ms=ahead_ms, latency_ms=latency_ms, label=label)
        for part in data.parts or (data,)
    ]
    return pooled_rows(found) if data.parts else found[0]


def _tuned(
    data: Recorded,
    horizon: int,
    wanted: Wanted,
    settings: PredictorSettings,
    name: str,
    advanced: Stage | None,
) -> tuple[PredictorSettings, int]:
    """Return the settings with the hyperparameters found on rows before all that are judged."""
    from predictor.training.tuning import Trial, tune  # with Optuna, which nothing else waits for

    whole = labelled_by(data, wanted, horizon)
    folds = walk_forward(whole, settings.training.folds, embargo=settings.training.embargo)
    if not folds:
        raise InputError(f"{len(whole)} rows are too few to tune on: use more data")
    searching = settings.tuning.model_copy(update={"seconds": wanted.tune_s})

    def tell(trial: Trial) -> None:
        if advanced is not None:
            advanced(f"tuning {name}", trial.number, trial.of)

    found = tune(
        whole.take(folds[0].train),
        settings.model_copy(update={"tuning": searching}),
        study=f"{data.symbol}-{data.timeframe}-{horizon}-{settings.model.type}",
        advanced=tell,
    )
    model = ModelSettings(type=settings.model.type, hyperparameters=found.hyperparameters)
    return settings.model_copy(update={"model": model}), found.trials


def told_of(advanced: Stage | None, name: str) -> Callable[[int, int], None] | None:
    """Return what tells how far the stage of a name is, None where nobody listens."""
    if advanced is None:
        return None
    return lambda done, of: advanced(name, done, of)
