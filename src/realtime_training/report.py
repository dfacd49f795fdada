"""What the command prints: progress on stderr, results on stdout."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

if TYPE_CHECKING:
    from realtime_training.commands.simulate.work import Announcement


@contextlib.contextmanager
def reading(files: Sequence[Path], *, shown: bool) -> Iterator[Callable[[int], None]]:
    """Show how much of the files has been read; the caller says what was read since last time."""
    total = sum(file.stat().st_size for file in files if file.is_file())
    progress = Progress(
        TextColumn("reading"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(), console=Console(stderr=True), disable=not shown, transient=True,
    )  # fmt: skip
    with progress:
        task = progress.add_task("reading", total=total)
        yield lambda read: progress.advance(task, read)


@contextlib.contextmanager
def history(shares: dict[str, float]) -> Iterator[Callable[[str, float], None]]:
    """Show how much of each market's history has been read, and keep it in `shares`."""
    console = Console(stderr=True)
    progress = Progress(
        TextColumn("history"), TextColumn("{task.description}"), BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn(),
        console=console, disable=not console.is_terminal, transient=True,
    )  # fmt: skip
    with progress:
        tasks = {market: progress.add_task(market, total=1.0) for market in shares}

        def read(market: str, share: float) -> None:
            shares[market] = share
            progress.update(tasks[market], completed=share)

        yield read


@contextlib.contextmanager
def days(total: float, *, shown: bool) -> Iterator[Callable[[float], None]]:
    """Show how many days of the past are there."""
    progress = Progress(
        TextColumn("days"), BarColumn(), TextColumn("{task.completed:.1f} of {task.total:.4g}"),
        TimeRemainingColumn(), console=Console(stderr=True), disable=not shown, transient=True,
    )  # fmt: skip
    with progress:
        task = progress.add_task("days", total=total)
        yield lambda completed: progress.update(task, completed=completed)


def print_history(summary: Mapping[str, Any], *, as_json: bool) -> None:
    """Print which trades of the past are there."""
    if as_json:
        print_json(summary)
        return
    console = Console()
    for name, value in summary.items():
        shown = value if isinstance(value, list) else [value]
        for one in shown:
            text = f"{one:,}" if isinstance(one, int) else str(one)
            console.print(f"{name.replace('_', ' '):<13} {text}", soft_wrap=True)


def print_json(summary: Mapping[str, Any]) -> None:
    """Print one JSON object on one line."""
    sys.stdout.buffer.write(msgspec.json.encode(summary) + b"\n")
    sys.stdout.flush()


def print_replay(summary: Mapping[str, Any]) -> None:
    """Print what a replay came to, with each figure's uncertainty."""
    console = Console()
    console.print(
        f"{summary['symbol']} {summary['timeframe']}: {_counted(summary)} in "
        f"{summary['seconds']:.1f} s ({summary['trades_per_second']:,} trades/s, training "
        "included)"
    )
    _print_scores(console, summary)
    for market, beside in summary.get("beside", {}).items():
        console.print(f"beside it {market}: {_counted(beside)}")
        _print_scores(console, beside)


def _counted(summary: Mapping[str, Any]) -> str:
    return (
        f"{summary['trades']:,} trades and {summary['quotes']:,} quotes; "
        f"{summary['dead_letters']} dead letters, {summary['ignored']:,} frames ignored, "
        f"{summary['missing']} trades missing"
    )


def _print_scores(console: Console, summary: Mapping[str, Any]) -> None:
    scores = list(summary["horizons"].values())
    table = Table("scored on the book mid", title="Rows that moved, unless said")
    for score in scores:
        table.add_column(f"{score['horizon_ms'] / 1_000:g} s", justify="right")
    columns = [_rows(score) for score in scores]
    for name in columns[0]:
        table.add_row(name, *(column.get(name, "-") for column in columns))
    console.print(table)


def _rows(score: Mapping[str, Any]) -> dict[str, str]:
    return {
        "predictions": f"{score['predictions']:,}",
        "abstained": f"{score['abstentions']:,}",
        "moved": f"{score['moved']:,}",
        "accuracy": _share(score["accuracy"]),
        "95 % interval": f"{_share(score['low'])} - {_share(score['high'])}",
        "accuracy, zero moves wrong": _share(score["accuracy_all"]),
        **{
            f"{kind[:-1]} {name.replace('_', ' ')}": _share(share)
            for kind in ("references", "baselines")
            for name, share in score[kind].items()
        },
        "against the last price (bounces)": _share(score["close_accuracy"]),
    }


def print_recorded(rows: Sequence[Mapping[str, Any]], folder: Path, *, as_json: bool) -> None:
    """Print what was recorded, a row for each connection."""
    if as_json:
        print_json({"folder": str(folder), "connections": list(rows)})
        return
    table = Table(title=f"Recorded in {folder}")
    for name in rows[0]:
        table.add_column(name.replace("_", " "), justify="left" if name == "exchange" else "right")
    for row in rows:
        table.add_row(
            *(f"{value:,}" if isinstance(value, int) else value for value in row.values())
        )
    Console().print(table)


def print_announcements(announcements: Sequence[Announcement], *, as_json: bool) -> None:
    """Print where simulated exchanges listen: one as it is, several in a list."""
    if as_json:
        said = [msgspec.to_builtins(one) for one in announcements]
        print_json(said[0] if len(said) == 1 else {"exchanges": said})
        return
    console = Console()
    for one in announcements:
        console.print(f"Venue      {one.venue}")
        console.print(f"WebSocket  {one.ws_url}", soft_wrap=True)
        console.print(f"REST       {one.rest_url}", soft_wrap=True)
        console.print(f"Markets    {', '.join(one.symbols)}", soft_wrap=True)
    if len(announcements) == 1:
        console.print("Set EXCHANGE_WS_URL and EXCHANGE_REST_URL to these; Ctrl-C stops.")
        return
    hosts = ",".join(f"{one.venue}={one.ws_url} {one.rest_url}" for one in announcements)
    console.print(f'Set EXCHANGE_HOSTS="{hosts}"; Ctrl-C stops.', soft_wrap=True)


def print_ceilings(ceilings: Mapping[str, Any], *, as_json: bool) -> None:
    """Print how good an oracle is that sees what the simulated market hides."""
    if as_json:
        print_json(ceilings)
        return
    console = Console()
    table = Table(
        Column("market", overflow="fold"),
        *("horizon", "latency", "rows moved", "accuracy", "with the leader"),
        title="The ceiling: an oracle that sees the hidden state",
    )
    for market, rows in ceilings.items():
        for row in rows:
            table.add_row(market, f"{row['horizon_ms'] / 1_000:g} s", f"{row['latency_ms']} ms",
                          str(row["moved"]), _share(row["accuracy"]),
                          _share(row.get("accuracy_with_leader")))  # fmt: skip
    console.print(table)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def narrow_table(title: str, *columns: str) -> Table:
    """Return a table whose lines fit; what is too long for its last column goes on below."""
    table = Table(title=title, title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    for name in columns:
        table.add_column(name, overflow="fold", no_wrap=name != columns[-1])
    return table
