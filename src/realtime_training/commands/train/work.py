"""`realtime train`: models of a dataset, judged walking forward, registered with the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import numpy as np

from marketstream.columns import Floats
from marketstream.errors import InputError, RealtimeError
from marketstream.evidence import Streams
from marketstream.symbols import market_of
from marketstream.timeframes import timeframe_ms
from predictor.gates.gate import Gate
from predictor.leakcheck import before_training
from predictor.policy.duel import NO_DUEL, duel
from predictor.policy.promotion import Promotion, should_promote
from predictor.registry.mlflow import ModelRegistry
from predictor.registry.names import model_name
from predictor.settings import PredictorSettings
from predictor.training.fitting import TrainedModel
from predictor.training.retraining import TrainingJob
from predictor.validation.answers import Answers
from predictor.validation.evidence import Evidence, parameters_of
from predictor.validation.importance import importances
from predictor.validation.plots import Judged, pictures
from realtime_training.commands.evaluate.work import (
    Evaluated,
    Stage,
    Wanted,
    check_features,
    evaluate_all,
    labelled_by,
)
from realtime_training.datasets import Recorded

type When = Literal["better", "always", "never"]


@dataclass(frozen=True, slots=True)
class Registered:
    """One model: how good it is, what serves of it, and where it is in the registry."""

    evaluated: Evaluated
    model: TrainedModel
    name: str
    version: int
    promotion: Promotion


def train_all(
    data: Recorded,
    exchange: str,
    wanted: Wanted,
    settings: PredictorSettings,
    registry: ModelRegistry,
    *,
    promote: When = "better",
    sources: Sequence[str] = (),
    gate: Gate | None = None,
    advanced: Stage | None = None,
) -> list[Registered]:
    """Walk the learner forward at each horizon, train it on all rows and register it.

    Where several learners are wanted, the one with the least log loss walking forward is trained.
    Raises InputError where a horizon has too few rows to train on; those before it are registered.
    A set that is not as it has to be is refused before: InputError names the expectation that
    failed, RealtimeError the leak that was found.
    """
    if data.symbol is None:
        raise InputError("give --symbol, like BTC/USDT: a model is registered under its market")
    market = market_of(exchange, data.symbol)
    _check(data, market, wanted, settings, Gate() if gate is None else gate)
    results = evaluate_all(data, wanted, settings, advanced=advanced)
    return [
        _train(data, market, best, wanted, registry, promote, sources)
        for best in _best_by_horizon(results)
    ]


def _check(
    data: Recorded, market: str, wanted: Wanted, settings: PredictorSettings, gate: Gate
) -> None:
    label = wanted.label or data.label
    check_features(data, settings)
    settings = settings.model_copy(update={"features": list(data.used)})
    now_ms = int(data.table.close_time_ms[-1]) if len(data.table) else 0
    verdict = gate.check(data.table, settings, market=market, label=label, now_ms=now_ms)
    if verdict.refusal is not None:
        raise InputError(f"training refused: {verdict.refusal}")
    horizons_ms = [horizon * timeframe_ms(data.timeframe) for horizon in wanted.horizons]
    leaks = before_training(
        data.table, data.prices, horizons_ms, settings, latency_ms=wanted.latency_ms, label=label
    )
    if leaks:
        raise RealtimeError(f"training refused, a leak: {leaks[0]}")


def summary(data: Recorded, wanted: Wanted, results: Sequence[Registered]) -> dict[str, Any]:
    """Return what `--json` prints."""
    return {
        "symbol": data.symbol,
        "timeframe": data.timeframe,
        "label": wanted.label or data.label,
        "latency_ms": wanted.latency_ms,
        "features": list(data.used),
        "features_not_used": dict(data.unused),
        "data": data.identity,
        "cached": data.cached,
        "horizons": {
            str(each.evaluated.horizon): {
                "name": each.name,
                "version": each.version,
                "serves": each.model.champion.name,
                "rows": each.model.rows,
                "validation": each.model.validation,
                "promoted": each.promotion.promoted,
                "reason": each.promotion.reason,
                "evaluation": msgspec.to_builtins(each.evaluated.evaluation),
            }
            for each in results
        },
    }


def _best_by_horizon(results: Sequence[Evaluated]) -> list[Evaluated]:
    best: dict[int, Evaluated] = {}
    for each in results:
        known = best.get(each.horizon)
        if known is None or _loss(each) < _loss(known):
            best[each.horizon] = each
    return list(best.values())


def _loss(evaluated: Evaluated) -> float:
    loss = evaluated.evaluation.log_loss
    return float("inf") if loss is None else loss


def _train(
    data: Recorded,
    market: str,
    evaluated: Evaluated,
    wanted: Wanted,
    registry: ModelRegistry,
    promote: When,
    sources: Sequence[str],
) -> Registered:
    settings = evaluated.settings
    horizon_ms = evaluated.horizon * timeframe_ms(data.timeframe)
    job = TrainingJob(
        market=market,
        table=data.table,
        prices=data.prices,
        horizons_ms=(horizon_ms,),
        settings=settings,
        trained_at_ms=int(data.table.close_time_ms[-1]) if len(data.table) else 0,
        latency_ms=wanted.latency_ms,
        label=wanted.label or data.label,
        feature_set=data.feature_set,
    )
    model = job.run().get(horizon_ms)
    if model is None:
        raise InputError(
            f"{evaluated.horizon} x {data.timeframe}: fewer than "
            f"{settings.training.fewest_moved} rows whose price moved, or nothing known of them: "
            "use more data"
        )
    promotion = {
        "better": lambda: _promotion(data, market, evaluated, wanted, registry),
        "always": lambda: Promotion(promoted=True, reason="asked for"),
        "never": lambda: Promotion(promoted=False, reason="asked for"),
    }[promote]()
    version = registry.log(
        model,
        job.trained_on(data.timeframe),
        parameters_of(settings),
        _evidence(wanted, evaluated, promotion, data, sources),
    )
    name = model_name(market, data.timeframe, horizon_ms)
    return Registered(evaluated, model, name, version, promotion)


def _promotion(
    data: Recorded, market: str, evaluated: Evaluated, wanted: Wanted, registry: ModelRegistry
) -> Promotion:
    place = market, data.timeframe, evaluated.evaluation.horizon_ms
    met = NO_DUEL
    if evaluated.rows is not None:
        champion = _said_by_champion(data, place, evaluated, wanted, registry)
        both = np.isfinite(champion) & (evaluated.rows.returns != 0)
        met = duel(
            evaluated.rows.p_up[evaluated.rows.name][both], champion[both],
            evaluated.rows.returns[both] > 0, evaluated.rows.times_ms[both],
            Streams.foreseen(place[2], timeframe_ms(data.timeframe), wanted.latency_ms),
        )  # fmt: skip
    return should_promote(
        evaluated.evaluation,
        registry.champion_evaluation(*place),
        met,
        number=registry.challengers(*place) + 1,
        tried=len(wanted.models),
    )


def _said_by_champion(
    data: Recorded,
    place: tuple[str, str, int],
    evaluated: Evaluated,
    wanted: Wanted,
    registry: ModelRegistry,
) -> Floats:
    """Return the champion's probabilities on the rows judged, NaN where it may have seen them.

    Of rows that came after its training it is asked; of others there is what it said when it was
    walked forward itself.
    """
    assert evaluated.rows is not None
    times_ms = evaluated.rows.times_ms
    answers = registry.champion_answers(*place)
    said = np.full(len(times_ms), np.nan) if answers is None else answers.at(times_ms)
    try:
        model = registry.champion(*place, data.feature_set)
    except InputError:  # of other features, so that only its answers are left
        model = None
    if model is None:
        return said
    later = times_ms > model.trained_at_ms
    rows = labelled_by(data, wanted, evaluated.horizon)
    asked = rows.take(np.isin(rows.times_ms, times_ms[later]))
    said[later] = model.champion.p_up(asked)
    return said


def _evidence(
    wanted: Wanted,
    evaluated: Evaluated,
    promotion: Promotion,
    data: Recorded,
    sources: Sequence[str],
) -> Evidence:
    weights = importances(labelled_by(data, wanted, evaluated.horizon), evaluated.settings)
    judged = evaluated.rows
    return Evidence(
        evaluation=evaluated.evaluation,
        promoted=promotion.promoted,
        reason=promotion.reason,
        data=data.identity,
        sources=sources,
        pictures={} if judged is None else pictures(Judged(evaluated.evaluation, judged, weights)),
        importance=weights,
        answers=None if judged is None else Answers(judged.times_ms, judged.p_up[judged.name]),
    )
