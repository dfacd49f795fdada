"""`realtime soak`: every kind of fault, by a seed, and what is stored compared with the truth."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from realtime_training import report
from realtime_training.commands.options import json_option

_SHOWN = 40


@click.command()
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--minutes", type=click.FloatRange(min=0.1), default=30.0, show_default=True)
@click.option("--trades", type=click.IntRange(min=100), default=1_000_000, show_default=True)
@click.option("--faults", type=click.IntRange(min=1), help="How many. [default: 10 of each kind]")
@click.option("--kind", "kinds", metavar="KIND", multiple=True, help="Only this; may be repeated.")
@click.option("--timeframe", default="1s", show_default=True, help="The candles to compare.")
@click.option("--folder", type=click.Path(path_type=Path), help="Keep state, logs and report here.")
@json_option
def soak(
    seed: int,
    minutes: float,
    trades: int,
    faults: int | None,
    kinds: tuple[str, ...],
    timeframe: str,
    folder: Path | None,
    *,
    as_json: bool,
) -> None:
    """Run the whole system behind a line that fails, and compare what it stored with the truth.

    Exits with 1 where a trade is lost, doubled or wrong without being declared, where a candle is
    needlessly incomplete, or where fresh predictions took longer than 10 s after a fault.
    """
    import msgspec
    from rich.console import Console
    from rich.progress import Progress

    from realtime_bench.soak.comparison import table
    from realtime_bench.soak.corruptions import KINDS
    from realtime_bench.soak.course import Soak, run

    for kind in kinds:
        if kind not in KINDS:
            raise click.BadParameter(f"{kind}: choose from {', '.join(KINDS)}", param_hint="--kind")
    count = faults if faults is not None else 10 * len(kinds or KINDS)
    where = folder if folder is not None else Path(tempfile.mkdtemp(prefix="realtime-soak-"))
    where.mkdir(parents=True, exist_ok=True)
    asked = Soak(seed, minutes * 60, trades, count, kinds=kinds)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("soak", total=1.0)
        verdict = run(
            asked,
            where,
            timeframe,
            lambda share, what: progress.update(task, completed=share, description=what),
        )
    (where / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(verdict)))
    if as_json:
        report.print_json(msgspec.to_builtins(verdict))
    else:
        click.echo(table(verdict.comparisons))
        click.echo(f"{len(verdict.faults)} faults; memory {verdict.memory_mb[-1]} MB at the end")
        for failure in verdict.failures[:_SHOWN]:
            click.echo(f"FAILED {failure}")
        if len(verdict.failures) > _SHOWN:
            click.echo(f"and {len(verdict.failures) - _SHOWN} more")
        click.echo(f"report: {where / 'report.json'}")
    sys.exit(1 if verdict.failures else 0)
