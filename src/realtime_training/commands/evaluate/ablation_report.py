"""What `realtime evaluate --ablate` prints: a table for each model and horizon."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table

from marketstream.timeframes import timeframe_ms
from predictor.validation.ablation import Paired
from realtime_training.commands.evaluate.ablation_work import Ablated, families_of, latencies_of
from realtime_training.commands.evaluate.report import duration, print_data
from realtime_training.commands.evaluate.work import Wanted
from realtime_training.datasets import Recorded

_THOUSANDTHS = 1_000


def print_ablations(data: Recorded, wanted: Wanted, results: Sequence[Ablated]) -> None:
    """Print what was compared, and what each family adds."""
    console = Console()
    print_data(console, data, data.label, latencies_of(data, wanted)[0])
    for family, names in families_of(data).items():
        console.print(f"{family}: {', '.join(names)}", soft_wrap=True)
    console.print(
        "Each family is left out by itself; above 0 the learner is better with it. Points of "
        "accuracy, log loss in thousandths, on the same rows that moved; 95 % intervals, bold "
        "beyond chance.",
        soft_wrap=True,
    )
    for (model, horizon), group in groupby(results, lambda each: (each.model, each.horizon)):
        ahead = duration(horizon * timeframe_ms(data.timeframe))
        table = Table("latency", "rows", "without", title=f"{model}, {ahead} ahead")
        for name in ("accuracy", "points", "log loss"):
            table.add_column(name, justify="right")
        for each in group:
            _add(table, each)
        console.print(table)


def _add(table: Table, each: Ablated) -> None:
    """Add the rows of one latency: with all families, and without each."""
    latency, ablation = f"{each.latency_ms} ms", each.ablation
    if ablation is None:
        table.add_row(latency, "too few", end_section=True)
        return
    table.add_row(
        latency, f"{ablation.rows:,}", "-", f"{100 * ablation.accuracy:.1f}", "",
        f"{ablation.log_loss:.4f}",
    )  # fmt: skip
    for family in ablation.families:
        table.add_row(
            "", "", family.name, f"{100 * family.accuracy:.1f}", _paired(family.points, 100),
            _paired(family.gain, _THOUSANDTHS), end_section=family is ablation.families[-1],
        )  # fmt: skip


def _paired(paired: Paired, scale: int) -> str:
    mean = f"{scale * paired.mean:+.1f}"
    if paired.low is None or paired.high is None:
        return mean
    said = f"{mean} \\[{scale * paired.low:+.1f}, {scale * paired.high:+.1f}]"
    return f"[bold]{said}[/bold]" if paired.low > 0 or paired.high < 0 else said
