"""One row in the serving path: a vector to a forecast by each kind of model, and a whole close."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter_ns

import numpy as np

from marketstream.columns import FeatureTable, PriceSeries
from marketstream.errors import RealtimeError
from predictor.models import LEARNERS
from predictor.policy.average import AVERAGE, Average
from predictor.registry import native
from predictor.serving.forecast import forecast, outlook
from predictor.serving.intervals import Reach
from predictor.serving.panel import Panel
from predictor.serving.rows import Rows
from predictor.settings import Learner, ModelSettings, PredictorSettings
from predictor.training.candidates import Candidate
from predictor.training.correction import Corrected
from predictor.training.dataset import labelled
from predictor.training.fitting import TrainedModel, train, try_candidates
from realtime_bench.closes import HORIZONS_MS, MARKETS, close_us
from realtime_bench.figures import Effort, Measured, Say, percentile
from realtime_bench.timing import one_core
from realtime_training.settings import load_all

_LEARNERS: tuple[Learner, ...] = ("lightgbm", "xgboost", "logistic")
_ROWS, _ASKED, _ASKED_QUICK = 3_000, 5_000, 200
_STEP_MS, _MID = 1_000, 100.0

type _Vector = dict[str, float | None]


def bench_infer(effort: Effort, say: Say) -> Measured:
    """Measure the microseconds of a forecast on one core, models as they come from the registry."""
    settings = load_all().predictor
    table, prices = _market(settings)
    vectors = [dict(zip(table.names, row, strict=True)) for row in table.values.tolist()]
    say("training the models")
    models = {name: _model(name, table, prices, settings) for name in _LEARNERS}
    asked = _ASKED_QUICK if effort.quick else _ASKED
    every = _with_earlier(table, prices, settings)
    names = (*models, AVERAGE, "close")
    runs: dict[str, list[float]] = {f"{name}_us_p50": [] for name in names}
    with one_core() as core:
        for number in range(1, effort.runs + 1):
            say(f"run {number} of {effort.runs}")
            for name, model in models.items():
                runs[f"{name}_us_p50"].append(_median_us(_alone(model), vectors, asked))
            runs[f"{AVERAGE}_us_p50"].append(_median_us(_averaged(every), vectors, asked))
            closed = close_us(every, vectors, asked // MARKETS)
            runs["close_us_p50"].append(percentile(closed, 0.5))
    conditions = {
        "timed": "predictor.serving.forecast: direction, move, price and bounds",
        "close": f"the predictor's operator: {MARKETS} markets, {len(HORIZONS_MS)} horizons",
        "candidates": [each.model for each in every.members],
        "features": len(settings.features),
        "forecasts": asked,
        "hyperparameters": settings.model.hyperparameters,
        "core": core,
    }
    return Measured(runs, conditions)


def _median_us(
    forecast_of: Callable[[_Vector], object], vectors: Sequence[_Vector], asked: int
) -> float:
    took_ns = []
    for number in range(asked):
        values = vectors[number % len(vectors)]
        started_ns = perf_counter_ns()
        forecast_of(values)
        took_ns.append(perf_counter_ns() - started_ns)
    return percentile(took_ns, 0.5) / 1_000


def _alone(model: TrainedModel) -> Callable[[_Vector], object]:
    reach = Reach()
    return lambda values: forecast(model, values, _MID, reach)


def _averaged(model: TrainedModel) -> Callable[[_Vector], object]:
    """Return the forecast of all candidates' average, with the weights and what each said."""
    reach, panel, average = Reach(), Panel(model, AVERAGE), Average()
    average.seat(panel.models)

    def forecast_of(values: _Vector) -> object:
        heard = panel.hear(Rows(values), lambda names: average.weights(names, 0, _STEP_MS))
        return outlook(model, heard.moves, heard.p_up, _MID, reach)

    return forecast_of


def _with_earlier(
    table: FeatureTable, prices: PriceSeries, settings: PredictorSettings
) -> TrainedModel:
    """Return a model with as many candidates as there ever are: those of three trainings."""
    serving: TrainedModel | None = None
    for number in range(3):
        serving = train(table, prices, _STEP_MS, settings, trained_at_ms=number, serving=serving)
    if serving is None:
        raise RealtimeError(f"nothing can be trained on {len(table)} made-up rows")
    model = replace(
        serving,
        champion=_in_full(serving.champion),
        challengers=tuple(_in_full(each) for each in serving.challengers),
        earlier=tuple(
            each._replace(candidate=_in_full(each.candidate)) for each in serving.earlier
        ),
    )
    return native.load(native.dump(model))


def _in_full(candidate: Candidate) -> Candidate:
    """Return a learner whose correction is asked, also where it is worth nothing on these rows."""
    up = candidate.up
    return replace(candidate, up=replace(up, share=1.0)) if isinstance(up, Corrected) else candidate


def _model(
    learner: Learner, table: FeatureTable, prices: PriceSeries, settings: PredictorSettings
) -> TrainedModel:
    """Return a model in which the learner serves, whether or not a reference would be better."""
    configured = settings.model.hyperparameters
    model = ModelSettings(
        type=learner,
        hyperparameters={
            n: value for n, value in configured.items() if n in LEARNERS[learner].hyperparameters
        },
    )
    chosen = settings.model_copy(update={"model": model})
    trained = train(table, prices, _STEP_MS, chosen, trained_at_ms=0)
    tried = try_candidates(labelled(table, prices, horizon_ms=_STEP_MS), chosen)
    if trained is None or tried is None:
        raise RealtimeError(f"{learner} cannot be trained on {len(table)} made-up rows")
    return native.load(native.dump(replace(trained, champion=_in_full(tried.candidates[learner]))))


def _market(settings: PredictorSettings) -> tuple[FeatureTable, PriceSeries]:
    """Make rows whose first feature says a little about the next move."""
    random = np.random.default_rng(1)
    names = tuple(settings.features)
    values = random.normal(size=(_ROWS, len(names)))
    moves = np.sign(values[:, 0] + random.normal(size=_ROWS)) * 1e-4
    mid = _MID * np.exp(np.concatenate(([0.0], np.cumsum(moves))))
    times = _STEP_MS * np.arange(_ROWS + 1, dtype=np.int64)
    now = mid[:-1]
    table = FeatureTable(times[:-1], names, values, now, now, now, np.ones(_ROWS, np.bool_))
    return table, PriceSeries(times, mid, mid, _STEP_MS)
