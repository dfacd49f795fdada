"""`realtime soak`: every kind of fault, by a seed, and what is stored compared with the truth."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from realtime_training import report
from realtime_training.commands.options import json_option


@click.command()
@click.option(
    "--seed", "seeds", type=click.IntRange(min=0), multiple=True, default=(1,), show_default=True,
    help="May be repeated: one after another.",
)  # fmt: skip
@click.option("--trades", type=click.IntRange(min=100), default=1_000_000, show_default=True)
@click.option(
    "--rate", type=click.FloatRange(min=1), default=1_500.0, show_default=True,
    help="Trades a second, of all markets together.",
)  # fmt: skip
@click.option(
    "--times", type=click.IntRange(min=1), default=10, show_default=True, help="Of each kind."
)
@click.option(
    "--markets", type=click.IntRange(min=1, max=10), default=6, show_default=True,
    help="How many.",
)  # fmt: skip
@click.option("--venue", default="binance", show_default=True, help="Whose protocol is spoken.")
@click.option("--kind", "kinds", metavar="KIND", multiple=True, help="Only this; may be repeated.")
@click.option("--timeframe", default="1s", show_default=True, help="The candles to compare.")
@click.option("--folder", type=click.Path(path_type=Path), help="Keep state, logs and report here.")
@json_option
def soak(
    seeds: tuple[int, ...],
    trades: int,
    rate: float,
    times: int,
    markets: int,
    venue: str,
    kinds: tuple[str, ...],
    timeframe: str,
    folder: Path | None,
    *,
    as_json: bool,
) -> None:
    """Run the whole system on an exchange that fails, and compare what it stored with the truth.

    Exits with 1 where a trade is lost, doubled or wrong without being declared, where a candle is
    needlessly incomplete, where fresh predictions took longer than 10 s after a fault, or where
    memory grew.
    """
    import msgspec

    from realtime_bench.soak.course import SYMBOLS, Soak, run
    from realtime_bench.soak.kinds import KINDS
    from realtime_bench.soak.verdict import told
    from realtime_training.commands.simulate.markets import symbols_on

    for kind in kinds:
        if kind not in KINDS:
            raise click.BadParameter(f"{kind}: choose from {', '.join(KINDS)}", param_hint="--kind")
    where = folder if folder is not None else Path(tempfile.mkdtemp(prefix="realtime-soak-"))
    verdicts = []
    for seed in seeds:
        asked = Soak(
            seed=seed, trades=trades, trades_per_second=rate, times=times,
            symbols=symbols_on(venue, SYMBOLS[:markets]), kinds=frozenset(kinds or KINDS),
            timeframe=timeframe, venue=venue,
        )  # fmt: skip
        of_seed = where / f"seed-{seed}"
        of_seed.mkdir(parents=True, exist_ok=True)
        with _progress(seed) as tell:
            verdict = run(asked, of_seed, tell)
        verdicts.append(verdict)
        (of_seed / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(verdict)))
        if not as_json:
            click.echo(f"{told(verdict)}\nreport: {of_seed / 'report.json'}\n")
    if as_json:
        report.print_json({"seeds": msgspec.to_builtins(verdicts)})
    sys.exit(1 if any(verdict.failures for verdict in verdicts) else 0)


@contextmanager
def _progress(seed: int) -> Iterator[Callable[[float, str], None]]:
    """Show how far a seed is: a bar on a terminal, else a line at each twentieth."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    said: set[int] = set()

    def line(share: float, what: str) -> None:
        twentieth = int(share * 20)
        if twentieth not in said:
            said.add(twentieth)
            click.echo(f"seed {seed}: {share:4.0%}  {what}", err=True)

    if not console.is_terminal:
        yield line
        return
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(f"seed {seed}", total=1.0)
        yield lambda share, what: progress.update(
            task, completed=share, description=f"seed {seed}: {what}"
        )
