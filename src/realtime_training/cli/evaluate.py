"""`realtime evaluate`: purged walk-forward figures of models, beside baselines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from realtime_training import report
from realtime_training.cli.types import DURATION, FILE, SYMBOL, TIMEFRAME

if TYPE_CHECKING:
    from predictor.prices import Label
    from predictor.settings import Learner

MODELS = ("logistic", "random_forest", "gradient_boosting", "xgboost", "lightgbm")
LABELS = ("mid", "fair", "close")


@click.command()
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("--symbol", type=SYMBOL, help="Market, like BTC/USDT; needed for recorded frames.")
@click.option(
    "--timeframe",
    type=TIMEFRAME,
    help="Decide at every close of this.  [default: 1s; of candles, their own]",
)
@click.option(
    "--horizon",
    "horizons",
    type=click.IntRange(min=1),
    multiple=True,
    default=(1, 2),
    show_default=True,
    help="So many timeframes ahead; may be repeated.",
)
@click.option(
    "--model",
    "models",
    type=click.Choice(MODELS),
    multiple=True,
    help="May be repeated.  [default: the one in services/predictor/config.yaml]",
)
@click.option(
    "--latency",
    "latency_ms",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Count outcomes from so many ms after the close.",
)
@click.option(
    "--cost-bps",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    help="Fees of a position, there and back, in basis points; the spread comes on top.",
)
@click.option("--folds", type=click.IntRange(min=1), help="How many times to train and test.")
@click.option(
    "--tune",
    "tune_ms",
    type=DURATION,
    help="Search hyperparameters for so long, on rows before those that judge.",
)
@click.option(
    "--label",
    type=click.Choice(LABELS),
    help="Judge by another price than the best there is, for comparison only.",
)
@click.option(
    "--state", type=FILE, default=Path("state"), show_default=True, help="Folder of kept datasets."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def evaluate(
    files: tuple[Path, ...],
    symbol: str | None,
    timeframe: str | None,
    horizons: tuple[int, ...],
    models: tuple[str, ...],
    latency_ms: int,
    cost_bps: float,
    folds: int | None,
    tune_ms: int | None,
    label: str | None,
    state: Path,
    *,
    as_json: bool,
) -> None:
    """Say how good models are: trained on the past, judged by what follows, time after time.

    FILES are recorded WebSocket frames (judged by the book's mid), trades in any form (by the fair
    mid of the next prints) or candles of 1m and longer (by the close). Beside each model stand
    baselines and reference models on the same rows; the verdict is skill, no skill or too little
    data.
    """
    from realtime_training import evaluation_command, evaluation_report
    from realtime_training.datasets import load_files
    from realtime_training.settings import load_all

    settings = load_all()
    wanted = evaluation_command.Wanted(
        horizons=tuple(dict.fromkeys(horizons)),
        models=cast("tuple[Learner, ...]", tuple(dict.fromkeys(models)))
        or (settings.predictor.model.type,),
        latency_ms=latency_ms,
        cost_bps=cost_bps,
        folds=folds,
        tune_s=None if tune_ms is None else max(1, tune_ms // 1_000),
        label=cast("Label | None", label),
    )
    with report.reading(files, shown=not as_json) as advanced:
        data = load_files(
            files, settings, state, symbol=symbol, timeframe=timeframe, advanced=advanced
        )
    with evaluation_report.working(shown=not as_json) as told:
        results = evaluation_command.evaluate_all(data, wanted, settings.predictor, advanced=told)
    if as_json:
        report.print_json(evaluation_command.summary(data, wanted, results))
    else:
        evaluation_report.print_evaluations(data, wanted, results)
