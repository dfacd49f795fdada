"""`realtime explain`: candle, book, features, contributions, weights, model and times of one."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from marketstream.errors import InputError, StateError
from realtime_training import report
from realtime_training.commands.options import json_option
from realtime_training.commands.stored import open_stored, state_option

if TYPE_CHECKING:
    from marketstream.explanation import Explanation
    from realtime_training.commands.explain.rebuilding import Answers
    from realtime_training.settings import Settings


@click.command()
@click.argument("prediction", metavar="ID")
@state_option
@json_option
def explain(prediction: str, state: Path, *, as_json: bool) -> None:
    """Tell why the prediction of an ID said what it said.

    Told are the candle that closed with its book, the features, what each adds to the log odds of
    each candidate, their weights, the model with what it was trained on, and when what happened.
    Features are computed anew from stored candles and answers by the registered model: where both
    are as they were stored, to 1e-9, it says so, and where one cannot be, why.

    \b
    Example:
      realtime explain simulator:BTC/USDT:1s:1795793280000:2000:champion:7
    """  # noqa: D301 - click asks for a real backspace
    from marketstream.explanation import read_explanation
    from realtime_training.commands.explain.rebuilding import Rebuilt, rebuild_features
    from realtime_training.commands.explain.report import print_explanation
    from realtime_training.settings import load_all

    settings = load_all()
    with contextlib.closing(open_stored(state)) as store:
        told = read_explanation(store, prediction)
        if told is None:
            raise InputError(
                f"the store has no prediction {prediction}: ids are those of "
                "GET /predictions/{venue}/{symbol}/history"
            )
        features = rebuild_features(store, told, settings)
    try:
        answers, unanswered = _asked_again(told, settings, state), None
    except (InputError, StateError) as error:
        answers, unanswered = None, Rebuilt(None, reason=f"cannot be rebuilt: {error}")
    if as_json:
        found: dict[str, Any] = {"features": features}
        found["answers"] = unanswered if answers is None else answers.rebuilt
        if answers is not None:
            told = msgspec.structs.replace(told, contributions=answers.candidates)
        report.print_json({"explanation": told, "rebuilt": found})
    else:
        print_explanation(told, features, answers, unanswered)


def _asked_again(told: Explanation, settings: Settings, state: Path) -> Answers:
    """Ask the registered model again; InputError or StateError where it cannot be."""
    from predictor.registry.mlflow import ModelRegistry
    from predictor.registry.names import model_name
    from predictor.training.requests import registry_uri
    from realtime_training.commands.explain.rebuilding import rebuild_answers

    if told.features is None:
        raise InputError("the features are no longer stored")
    prediction = told.prediction
    name = model_name(prediction.market, prediction.timeframe, prediction.horizon_ms)
    registry = ModelRegistry(registry_uri(settings.predictor.mlflow_tracking_uri, state))
    model = registry.model(name, prediction.model_version)
    return rebuild_answers(prediction, told.features.values, model)
