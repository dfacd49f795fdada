"""Options of the commands that learn from data, and the data they name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marketstream.errors import SettingsError
from predictor.learner_names import learner_names
from realtime_training import report
from realtime_training.commands.options import beside_option, own_timeframe_option
from realtime_training.commands.types import DURATION, FOLDER, LISTED_SYMBOL

if TYPE_CHECKING:
    from predictor.settings import Learner
    from predictor.training.prices import Label
    from realtime_training.commands.evaluate.work import Wanted
    from realtime_training.datasets import Recorded
    from realtime_training.settings import Settings

_FARTHEST = 100_000  # closes: a day of seconds
_MOST_FOLDS = 100  # each trains anew, on all that came before it
_DEAREST_BPS = 10_000.0  # as much as the position


class Cost(click.ParamType[float]):
    """Basis points of a position."""

    name = "bps"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the cost; what is no number fails here too, NaN among it."""
        try:
            cost = float(value)
        except ValueError:
            cost = float("nan")
        if not 0 <= cost <= _DEAREST_BPS:
            self.fail(f"{value!r}: give a number from 0 to {_DEAREST_BPS:g}", param, ctx)
        return cost


_DATA = {
    "symbol": click.option(
        "--symbol",
        type=LISTED_SYMBOL,
        help="Market, like BTC/USDT or as FILES name it; needed for frames that do not say theirs.",
    ),
    "timeframe": own_timeframe_option,
    "beside": beside_option,
    "state": click.option(
        "--state",
        type=FOLDER,
        default=Path("state"),
        show_default=True,
        help="Folder of what is kept from one time to the next.",
    ),
}
_LEARNING = {
    "horizon": click.option(
        "--horizon",
        "horizons",
        type=click.IntRange(1, _FARTHEST),
        multiple=True,
        default=(1, 2),
        show_default=True,
        help="So many timeframes ahead; may be repeated.",
    ),
    "model": click.option(
        "--model",
        "models",
        type=click.Choice(learner_names()),
        multiple=True,
        help="May be repeated.  [default: the one in services/predictor/config.yaml]",
    ),
    "cost": click.option(
        "--cost-bps",
        type=Cost(),
        default=0.0,
        show_default=True,
        help="Fees of a position, there and back, in basis points; the spread comes on top.",
    ),
    "folds": click.option(
        "--folds",
        type=click.IntRange(1, _MOST_FOLDS),
        help="How many times to train and test.  [default: training.folds]",
    ),
    "tune": click.option(
        "--tune",
        "tune_ms",
        type=DURATION,
        help="Search hyperparameters for so long each, on rows before those that judge.",
    ),
}


def data_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what says which data: --symbol, --timeframe, --beside and --state."""
    return _added(command, list(_DATA.values()))


def learning_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what says what to learn: --horizon, --model, --cost-bps, --folds and --tune."""
    return _added(command, list(_LEARNING.values()))


def _added(command: Callable[..., Any], options: Sequence[Any]) -> Callable[..., Any]:
    for option in reversed(options):
        command = option(command)
    return command


def wanted_of(
    settings: Settings,
    horizons: Sequence[int],
    models: Sequence[Learner],
    latency_ms: int,
    cost_bps: float,
    folds: int | None,
    tune_ms: int | None,
    label: Label | None = None,
) -> Wanted:
    """Return what the options ask for; the configured learner where they name none."""
    from realtime_training.commands.evaluate.work import Wanted

    return Wanted(
        horizons=tuple(dict.fromkeys(horizons)),
        models=tuple(dict.fromkeys(models)) or (settings.predictor.model.type,),
        latency_ms=latency_ms,
        cost_bps=cost_bps,
        folds=folds,
        tune_s=None if tune_ms is None else max(1, tune_ms // 1_000),
        label=label,
    )


def load(
    files: Sequence[Path],
    settings: Settings,
    state: Path,
    symbol: str | None,
    timeframe: str | None,
    beside: Sequence[tuple[str, Path]] = (),
    *,
    shown: bool,
    is_pooled: bool = False,
) -> Recorded:
    """Return the dataset of files, showing on stderr how much of them has been read.

    Where it `is_pooled`, files are of several markets, as their names say.
    """
    from realtime_training.datasets import load_files
    from realtime_training.datasets.pooling import files_by_market, pooled

    if is_pooled and (symbol is not None or beside):
        raise SettingsError("--pool is of several markets: leave out --symbol and --beside")
    with report.reading([*files, *(file for _, file in beside)], shown=shown) as advanced:
        if is_pooled:
            return pooled(
                [
                    load_files(some, settings, state, symbol=market, timeframe=timeframe)
                    for market, some in files_by_market(files).items()
                ]
            )
        return load_files(
            files, settings, state, symbol=symbol, timeframe=timeframe, beside=beside,
            advanced=advanced,
        )  # fmt: skip
