"""`realtime train`: models into the registry, with the evidence of how good they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from marketstream.errors import SettingsError
from marketstream.state_folder import state_folder
from realtime_training import report
from realtime_training.commands.dataset_options import (
    data_options,
    learning_options,
    load,
    wanted_of,
)
from realtime_training.commands.options import json_option, latency_option
from realtime_training.commands.types import FILE

if TYPE_CHECKING:
    from predictor.settings import Learner
    from realtime_training.commands.train.work import When


@click.command()
@click.argument("files", nargs=-1, type=FILE)
@click.option("--from-store", is_flag=True, help="Learn from what realtime run stored instead.")
@click.option(
    "--exchange",
    help="Where the market is.  [default: binance for FILES; simulator from the store, as "
    "realtime run has it]",
)
@data_options
@learning_options
@latency_option
@click.option(
    "--promote",
    type=click.Choice(["better", "always", "never"]),
    default="better",
    show_default=True,
    help="When a model becomes the champion.",
)
@json_option
def train(
    files: tuple[Path, ...],
    exchange: str | None,
    symbol: str | None,
    timeframe: str | None,
    beside: tuple[tuple[str, Path], ...],
    state: Path,
    horizons: tuple[int, ...],
    models: tuple[Learner, ...],
    cost_bps: float,
    folds: int | None,
    tune_ms: int | None,
    latency_ms: int,
    promote: When,
    *,
    from_store: bool,
    as_json: bool,
) -> None:
    """Train models as the running system does, and register them with how good they are.

    FILES are those of `realtime evaluate`. Each model is walked forward first, then trained on all
    rows; its run in MLflow holds parameters, data, figures, pictures and the model itself. It
    becomes the champion of its market, timeframe and horizon where it is proven better than the one
    there is, on rows that neither was fitted to, else the challenger. MLflow is
    MLFLOW_TRACKING_URI, or a file in the state folder.
    """
    from predictor.gates.gate import Gate
    from predictor.registry.mlflow import ModelRegistry
    from predictor.training.requests import registry_uri
    from realtime_training.commands.evaluate import report as evaluation_report
    from realtime_training.commands.train import work as training_command
    from realtime_training.datasets import load_stored
    from realtime_training.settings import load_all

    if beside and from_store:
        raise SettingsError("--beside takes files: of the store, GROUPS says who looks at whom")
    if bool(files) == from_store:
        raise SettingsError("give either FILES or --from-store")
    if symbol is None:
        raise SettingsError("give --symbol, like BTC/USDT: a model is registered under its market")
    settings = load_all()
    wanted = wanted_of(settings, horizons, models, latency_ms, cost_bps, folds, tune_ms)
    exchange = exchange or ("simulator" if from_store else "binance")
    if from_store:
        data = load_stored(settings, state, exchange, symbol, timeframe)
    else:
        data = load(files, settings, state, symbol, timeframe, beside, shown=not as_json)
    with state_folder(state), evaluation_report.working(shown=not as_json) as told:
        results = training_command.train_all(
            data,
            exchange,
            wanted,
            settings.predictor,
            ModelRegistry(registry_uri(settings.predictor.mlflow_tracking_uri, state)),
            promote=promote,
            sources=[file.name for file in files] or ["the store"],
            gate=Gate(state / "data-docs"),
            advanced=told,
        )
    if as_json:
        report.print_json(training_command.summary(data, wanted, results))
    else:
        evaluation_report.print_training(data, wanted, results)
