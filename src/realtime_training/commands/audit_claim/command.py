"""`realtime audit-claim`: a recipe as it is often published, beside the honest one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from predictor.learner_names import learner_names
from realtime_training import report
from realtime_training.commands.dataset_options import data_options, load
from realtime_training.commands.options import json_option, latency_option
from realtime_training.commands.types import FILE

if TYPE_CHECKING:
    from predictor.settings import Learner

_FARTHEST = 100_000
_MOST_FOLDS = 100
FAULT_NAMES = {
    "last": "last price",
    "smoothed": "smoothed labels",
    "shuffled": "shuffled split",
    "scaler": "scaler on all",
}


@click.command("audit-claim")
@click.argument("files", nargs=-1, required=True, type=FILE)
@data_options
@click.option(
    "--horizon",
    type=click.IntRange(1, _FARTHEST),
    default=2,
    show_default=True,
    help="So many timeframes ahead.",
)
@latency_option
@click.option(
    "--model",
    type=click.Choice(learner_names()),
    help="What learns.  [default: the one in services/predictor/config.yaml]",
)
@click.option(
    "--fault",
    "faults",
    type=click.Choice(tuple(FAULT_NAMES)),
    multiple=True,
    help="What the recipe does; may be repeated.  [default: all]",
)
@click.option(
    "--folds",
    type=click.IntRange(2, _MOST_FOLDS),
    help="How many times to train and test.  [default: training.folds]",
)
@json_option
def audit_claim(
    files: tuple[Path, ...],
    symbol: str | None,
    timeframe: str | None,
    beside: tuple[tuple[str, Path], ...],
    state: Path,
    horizon: int,
    latency_ms: int,
    model: Learner | None,
    faults: tuple[str, ...],
    folds: int | None,
    *,
    as_json: bool,
) -> None:
    """Say how good a recipe looks that is often published, what it is worth, and why.

    FILES are recorded frames, trades or candles, as for `realtime evaluate`. The same learner is
    scored on the same closes by the honest recipe (the price that a trader meets, models that know
    the past alone) and with each of four faults, which make accuracy higher and foretell nothing:

    \b
    last      The last trade's price is foretold. It flips between bid and ask: "down" after a
              trade at the ask is right three times of four, and nobody can earn it.
    smoothed  The label is the mean price after the decision against the mean price before it.
              Half of it is known by then: what has risen of late is above its own mean.
    shuffled  Rows to learn from lie before, between and after those that judge. Outcomes of
              neighbouring rows overlap, so a row's neighbour tells its answer.
    scaler    Mean and scale of the features come from all rows, the later ones too.

    All combinations are scored, and the difference is shared out among the faults: what each adds
    on average, over all orders in which they could come. "Truly" is how often the same answers
    were right about the honest price; with a shuffled split even that is too good. Where quotes
    come late, the honest figure is too good without --latency: the mid has yet to take in trades
    that were decided on.
    """  # noqa: D301 - click asks for a real backspace
    from realtime_training.commands.audit_claim import work
    from realtime_training.commands.evaluate.report import working
    from realtime_training.settings import load_all

    settings = load_all()
    data = load(files, settings, state, symbol, timeframe, beside, shown=not as_json)
    wanted = [FAULT_NAMES[name] for name in dict.fromkeys(faults)] or list(FAULT_NAMES.values())
    chosen = model or settings.predictor.model.type
    with working(shown=not as_json) as told:
        audit = work.audited(
            data, settings.predictor, chosen, horizon, wanted,
            latency_ms=latency_ms, folds=folds, advanced=told,
        )  # fmt: skip
    if as_json:
        report.print_json(work.summary(data, chosen, horizon, latency_ms, audit))
    else:
        work.print_audit(data, chosen, horizon, latency_ms, audit)
