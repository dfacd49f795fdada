"""Searches for hyperparameters by Optuna; the only module that imports it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from marketstream.errors import InputError, SettingsError, StateError
from predictor.models import LEARNERS
from predictor.models.parts.hyperparameters import Range
from predictor.settings import PredictorSettings
from predictor.training.calibration import log_loss
from predictor.training.dataset import Dataset
from predictor.validation.splits import walk_forward

_STARTUP_TRIALS = 5  # never cut short: there is nothing to compare them with
_SEED = 1


@dataclass(frozen=True, slots=True)
class Trial:
    """How a search stands: trials made of those wanted, and the least log loss so far."""

    number: int
    of: int
    best: float | None


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a search found, and the log loss that it began with.

    `trials` is all it ever made, those of earlier runs and those cut short (`pruned`) too.
    """

    learner: str
    hyperparameters: dict[str, int | float]
    log_loss: float
    first_log_loss: float | None
    trials: int
    pruned: int
    seconds: float


def tune(
    data: Dataset,
    settings: PredictorSettings,
    *,
    study: str,
    advanced: Callable[[Trial], None] | None = None,
) -> Tuned:
    """Return the hyperparameters with the least mean log loss over purged folds walking forward.

    What is configured is the first trial. A trial that is worse after a fold than half of the
    others were goes no further. With a storage in the settings, a search by the same name on the
    same rows goes on where it stopped, until all trials wanted are made. What is tuned on these
    rows is to be evaluated on later ones. Raises InputError where the rows do not suffice,
    StateError for a storage that cannot be used.
    """
    started = perf_counter()
    judge = _judge(data, settings)
    wanted = settings.tuning
    search = _open(f"{study}-{_identity(data, settings)}", wanted.storage)
    if not search.trials:
        search.enqueue_trial(_defaults(settings))
    # Another seed where a search goes on, or it would draw what it drew before.
    search.sampler = optuna.samplers.TPESampler(seed=_SEED + len(search.trials))

    def objective(trial: optuna.Trial) -> float:
        return judge({**settings.model.hyperparameters, **_suggest(trial, settings)}, trial)

    def tell(study: optuna.Study, _trial: FrozenTrial) -> None:
        if advanced is not None:
            advanced(Trial(len(_made(study)), wanted.trials, _best(study)))

    left = wanted.trials - len(_made(search))
    if left > 0:
        search.optimize(objective, n_trials=left, timeout=wanted.seconds, callbacks=[tell])
    made = _made(search)
    return Tuned(
        learner=settings.model.type,
        hyperparameters={**settings.model.hyperparameters, **search.best_params},
        log_loss=search.best_value,
        first_log_loss=made[0].value,
        trials=len(made),
        pruned=sum(trial.state is TrialState.PRUNED for trial in made),
        seconds=round(perf_counter() - started, 3),
    )


def _judge(
    data: Dataset, settings: PredictorSettings
) -> Callable[[Mapping[str, int | float], optuna.Trial], float]:
    """Return what fits hyperparameters fold by fold, and stops where they have no chance."""
    columns = tuple(settings.features)
    moved = data.take(data.moved)
    folds = walk_forward(moved, settings.training.folds, embargo=settings.training.embargo)
    if len(moved) < settings.training.fewest_moved or not folds:
        raise InputError(
            f"{len(moved)} rows whose price moved are too few to tune on: use more data, or "
            "fewer training.folds"
        )
    rows, up, fit = moved.columns(columns), moved.up, LEARNERS[settings.model.type]

    def judged(hyperparameters: Mapping[str, int | float], trial: optuna.Trial) -> float:
        losses: list[float] = []
        for number, fold in enumerate(folds):
            fitted = fit(rows[fold.train], up[fold.train], hyperparameters)
            losses.append(log_loss(fitted.probability(rows[fold.test]), up[fold.test]))
            trial.report(float(np.mean(losses)), number)
            if number + 1 < len(folds) and trial.should_prune():
                raise optuna.TrialPruned
        return float(np.mean(losses))

    return judged


def _space(settings: PredictorSettings) -> dict[str, Range]:
    learner = settings.model.type
    configured = settings.tuning.space.get(learner)
    if configured is None:
        return dict(LEARNERS[learner].space)
    return {name: Range(each.low, each.high, each.log) for name, each in configured.items()}


def _suggest(trial: optuna.Trial, settings: PredictorSettings) -> dict[str, int | float]:
    known = LEARNERS[settings.model.type].hyperparameters
    chosen: dict[str, int | float] = {}
    for name, (low, high, log) in _space(settings).items():
        if isinstance(known[name].default, int):
            chosen[name] = trial.suggest_int(name, int(low), int(high), log=log)
        else:
            chosen[name] = trial.suggest_float(name, low, high, log=log)
    return chosen


def _defaults(settings: PredictorSettings) -> dict[str, int | float]:
    """Return where the search begins: what is configured, as far as it is within the space."""
    model = settings.model
    known, given = LEARNERS[model.type].hyperparameters, model.hyperparameters
    return {
        name: min(max(given.get(name, known[name].default), low), high)
        for name, (low, high, _) in _space(settings).items()
    }


def _open(study: str, storage: str | None) -> optuna.Study:
    optuna.logging.disable_default_handler()  # who asked is told how it stands by `advanced`
    try:
        return optuna.create_study(
            study_name=study,
            storage=storage,
            load_if_exists=True,
            pruner=optuna.pruners.MedianPruner(n_startup_trials=_STARTUP_TRIALS),
        )
    except ImportError as error:
        raise SettingsError(f"tuning.storage {storage}: {error}") from error
    except Exception as error:  # whatever the database's driver raises
        reason = str(error).splitlines()[0]
        raise StateError(
            f"tuning.storage {storage} cannot be used ({reason}): look at the disk or the "
            "database, or leave it out"
        ) from error


def _identity(data: Dataset, settings: PredictorSettings) -> str:
    """Return what tells searches apart whose losses cannot be compared."""
    rows = hashlib.sha256()
    for part in (data.times_ms, data.returns, data.columns(settings.features)):
        rows.update(np.ascontiguousarray(part).tobytes())
    training = settings.training
    rows.update(
        repr((settings.model, settings.features, training.folds, training.embargo)).encode()
    )
    return rows.hexdigest()[:12]


def _made(search: optuna.Study) -> list[FrozenTrial]:
    return search.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def _best(search: optuna.Study) -> float | None:
    done = search.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return min((trial.value for trial in done if trial.value is not None), default=None)
