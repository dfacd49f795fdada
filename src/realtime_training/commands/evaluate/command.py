"""`realtime evaluate`: purged walk-forward figures of models, beside baselines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from marketstream.errors import SettingsError
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
    from predictor.targets.definitions import Target
    from predictor.training.prices import Label
    from realtime_training.commands.evaluate.target_work import WantedTarget
    from realtime_training.commands.evaluate.work import Wanted
    from realtime_training.settings import Settings

LABELS = ("mid", "fair", "close")
TARGETS = ("direction", "volatility", "range")


@click.command()
@click.argument("files", nargs=-1, required=True, type=FILE)
@data_options
@learning_options
@latency_option
@click.option(
    "--target",
    type=click.Choice(TARGETS),
    default="direction",
    show_default=True,
    help="Where the price will be; how much it will move; how far apart its extremes will be.",
)
@click.option(
    "--label",
    type=click.Choice(LABELS),
    help="Judge by another price than the best there is, for comparison only.",
)
@click.option(
    "--ablate",
    "is_ablated",
    is_flag=True,
    help="Say what each family of features adds, on the same rows at 0, 100 and 250 ms.",
)
@click.option(
    "--pool",
    "is_pooled",
    is_flag=True,
    help="FILES are candles of several markets, as their names say, to be learnt from together.",
)
@click.option("--pictures", type=FILE, help="Draw into this folder, an SVG per model and horizon.")
@json_option
def evaluate(
    files: tuple[Path, ...],
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
    target: Literal["direction"] | Target,
    label: Label | None,
    pictures: Path | None,
    *,
    is_ablated: bool,
    is_pooled: bool,
    as_json: bool,
) -> None:
    """Say how good models are: trained on the past, judged by what follows, time after time.

    FILES are recorded WebSocket frames (judged by the book's mid), trades in any form (by the fair
    mid of the next prints) or candles of 1m and longer (by the close). Beside each model stand
    baselines and reference models on the same rows; the verdict is skill, no skill or too little
    data. Of volatility and range a ridge is judged, beside EWMA, HAR and the same hour of
    yesterday. With --ablate each family of features is left out in turn (the book, the flow, other
    markets), and what it adds is said with its interval. With --pool candles of several markets
    are learnt from together, each market's features in deviations of its own past.
    """
    from realtime_training.commands.evaluate import ablation_work, target_work
    from realtime_training.commands.evaluate import report as evaluation_report
    from realtime_training.commands.evaluate import work as evaluation_command
    from realtime_training.settings import load_all

    settings = load_all()
    if is_ablated:
        ablation_work.check_options(target, cost_bps, tune_ms, pictures, label)
    if is_pooled and (target != "direction" or tune_ms is not None):
        raise SettingsError("--pool is for the direction, without --tune: leave one of them out")
    if target != "direction":
        target_work.check_options(target, models, cost_bps, tune_ms, beside)
        sought = target_work.WantedTarget(target, horizons, latency_ms, folds)
        _evaluate_target(
            files, settings, sought, symbol, timeframe, label, pictures, as_json=as_json
        )
        return
    wanted = wanted_of(settings, horizons, models, latency_ms, cost_bps, folds, tune_ms, label)
    if is_ablated:
        _ablate(
            files, settings, wanted, state, symbol, timeframe, beside,
            is_pooled=is_pooled, as_json=as_json,
        )  # fmt: skip
        return
    data = load(
        files, settings, state, symbol, timeframe, beside,
        shown=not as_json, is_pooled=is_pooled,
    )  # fmt: skip
    with evaluation_report.working(shown=not as_json) as told:
        results = evaluation_command.evaluate_all(data, wanted, settings.predictor, advanced=told)
    if pictures is not None:
        evaluation_command.draw(data, wanted, results, pictures)
    if as_json:
        report.print_json(evaluation_command.summary(data, wanted, results))
    else:
        evaluation_report.print_evaluations(data, wanted, results)


def _ablate(
    files: tuple[Path, ...],
    settings: Settings,
    wanted: Wanted,
    state: Path,
    symbol: str | None,
    timeframe: str | None,
    beside: tuple[tuple[str, Path], ...],
    *,
    is_pooled: bool,
    as_json: bool,
) -> None:
    """Say what each family of features adds."""
    from realtime_training.commands.evaluate import ablation_report, ablation_work
    from realtime_training.commands.evaluate.report import working

    settings = ablation_work.settings_of(settings, files, beside)
    data = load(
        files, settings, state, symbol, timeframe, beside,
        shown=not as_json, is_pooled=is_pooled,
    )  # fmt: skip
    data = ablation_work.known_of(data)
    with working(shown=not as_json) as told:
        results = ablation_work.ablate_all(data, wanted, settings.predictor, advanced=told)
    if as_json:
        report.print_json(ablation_work.summary(data, results))
    else:
        ablation_report.print_ablations(data, wanted, results)


def _evaluate_target(
    files: tuple[Path, ...],
    settings: Settings,
    wanted: WantedTarget,
    symbol: str | None,
    timeframe: str | None,
    label: Label | None,
    pictures: Path | None,
    *,
    as_json: bool,
) -> None:
    """Do the same for volatility or range, which need candles and no features."""
    from realtime_training.commands.evaluate import target_report, target_work
    from realtime_training.commands.evaluate.report import working
    from realtime_training.datasets.base_candles import load_candles

    with report.reading(files, shown=not as_json) as advanced:
        data = load_candles(
            files, settings, symbol=symbol, timeframe=timeframe, label=label, advanced=advanced
        )
    with working(shown=not as_json) as told:
        results = target_work.evaluate_targets(data, wanted, settings.predictor, advanced=told)
    if pictures is not None:
        target_work.draw(data, wanted, results, pictures)
    if as_json:
        report.print_json(target_work.summary(data, wanted, results))
    else:
        target_report.print_targets(data, wanted, results)
