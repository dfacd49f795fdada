"""What `realtime evaluate` and `realtime train` print: progress, tables and verdicts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from marketstream.skill import FEWEST_EFFECTIVE
from predictor.training.prices import Label
from predictor.validation.figures import Evaluation
from realtime_training.commands.evaluate.work import Evaluated, Stage, Wanted
from realtime_training.datasets import Recorded

if TYPE_CHECKING:
    from realtime_training.commands.train.work import Registered

_JUDGED_BY: dict[Label, str] = {
    "mid": "the middle of the book",
    "fair": "the fair mid of the next prints on both sides",
    "close": "the last trade's price",
}
_VERDICTS = {
    "skill": "better than a coin and every baseline, beyond chance",
    "no skill": "not shown to be better than a coin and every baseline",
    "too little data": f"fewer than {FEWEST_EFFECTIVE} independent rows",
}


@contextlib.contextmanager
def working(*, shown: bool) -> Iterator[Stage]:
    """Show what is being done, and how far it is, on stderr."""
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=Console(stderr=True), disable=not shown, transient=True,
    )  # fmt: skip
    with progress:
        task = progress.add_task("training", total=None)

        def tell(name: str, done: int, of: int) -> None:
            progress.update(task, description=name, completed=done, total=of)

        yield tell


def print_evaluations(data: Recorded, wanted: Wanted, results: Sequence[Evaluated]) -> None:
    """Print a column per model and horizon, and the verdicts in words."""
    console = Console()
    print_data(console, data, wanted.label or data.label, wanted.latency_ms)
    figures = [each.evaluation for each in results]
    table = Table("rows that moved, unless said", title="Trained before, judged after; shares in %")
    for each in figures:
        table.add_column(f"{each.model}\n{duration(each.horizon_ms)}", justify="right")
    columns = [_column(each) for each in figures]
    for name in dict.fromkeys(name for column in columns for name in column):
        table.add_row(name, *(column.get(name, "-") for column in columns))
    console.print(table)
    for each in figures:
        console.print(
            f"{each.model} {duration(each.horizon_ms)}: {each.verdict} "
            f"({_VERDICTS[each.verdict]}); {_trials(each.trials)}",
            soft_wrap=True,
        )


def print_training(data: Recorded, wanted: Wanted, results: Sequence[Registered]) -> None:
    """Print how good each model is that was registered, and which of them serves."""
    print_evaluations(data, wanted, [each.evaluated for each in results])
    console = Console()
    for each in results:
        role = "champion" if each.promotion.promoted else "challenger"
        console.print(
            f"{each.name} version {each.version}: {role} ({each.promotion.reason}); "
            f"{each.model.champion.name} answers, trained on {each.model.rows:,} rows",
            soft_wrap=True,
        )


def print_data(console: Console, data: Recorded, label: Label, latency_ms: int) -> None:
    """Print what was learned from and what judges."""
    times = data.table.close_time_ms
    if len(times):
        first, last = (datetime.fromtimestamp(ms / 1_000, UTC) for ms in (times[0], times[-1]))
        span = f", {first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC"
    else:
        span = ""
    console.print(
        f"{data.symbol or 'market'} {data.timeframe}: {len(times):,} closes{span}; "
        f"{len(data.used)} features{'; made before, from the cache' if data.cached else ''}",
        soft_wrap=True,
    )
    console.print(f"label: {label} ({judged_by(label)}), {latency_ms} ms after the close")
    if label != data.label:
        console.print(f"for comparison only: what these data allow is label: {data.label}")
    if data.used:
        console.print(f"features: {', '.join(data.used)}", soft_wrap=True)
    for reason, names in data.unused_by_reason.items():
        console.print(f"configured and not used: {names} ({reason})", soft_wrap=True)
    for remark in data.remarks:
        console.print(remark, soft_wrap=True)


def judged_by(label: Label) -> str:
    """Return in words which price a label is about."""
    return _JUDGED_BY[label]


def duration(horizon_ms: int) -> str:
    """Return a horizon in words."""
    if horizon_ms % 60_000 == 0:
        return f"{horizon_ms // 60_000} min"
    return f"{horizon_ms / 1_000:g} s"


def _column(figures: Evaluation) -> dict[str, str]:
    column = {"rows judged": f"{figures.rows:,}"}
    score = figures.score
    if score is not None:
        column |= {
            "moved and answered": f"{score.moved:,}",
            "worth, as independent rows": f"{score.effective:,.0f}",
            "flat": _share(figures.flat_share),
            "abstained": _share(figures.abstained),
            "accuracy": _share(score.accuracy),
            "  95 % interval": f"{_share(score.low)}-{_share(score.high)}",
            "  flat ones counted wrong": _share(figures.accuracy_all),
        }
    for top in figures.top:
        name = f"  surest {100 * top.share:g} % (their share)"
        column[name] = f"{_share(top.score.accuracy)} ({_share(top.coverage)})"
    average = {} if figures.average is None else {"average of all, online": figures.average}
    for name, rival in (average | figures.references | figures.baselines).items():
        column[f"  {name.replace('_', ' ')}"] = _share(rival.accuracy)
    if score is not None:
        column["log loss (a coin: 0.6931)"] = _number(figures.log_loss, 4)
        for name, rival in (average | figures.references).items():
            column[f"  log loss, {name.replace('_', ' ')}"] = _number(rival.log_loss, 4)
        column |= {
            "Brier, three classes": _number(figures.brier, 4),
            "calibration error": _number(figures.calibration_error, 4),
            "bounds hold (aim)": f"{_share(figures.coverage)} ({_share(figures.level)})",
            "gross, bp a row": _number(figures.gross_bps, 3),
            "net of spread and cost, bp": _number(figures.net_bps, 3),
        }
    column |= {
        "left out: incomplete": f"{figures.incomplete:,}",
        "left out: no outcome": f"{figures.unlabelled:,}",
        "seconds": f"{figures.seconds:.1f}",
    }
    return column


def _trials(trials: int) -> str:
    return "1 trial" if trials == 1 else f"the best of {trials} trials, found on earlier rows"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
