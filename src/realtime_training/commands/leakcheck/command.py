"""`realtime leakcheck`: whether anything looks ahead."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from realtime_training import report
from realtime_training.commands.options import (
    beside_option,
    horizons_option,
    json_option,
    latency_option,
    own_timeframe_option,
)
from realtime_training.commands.types import FILE, SYMBOL

if TYPE_CHECKING:
    from realtime_training.commands.leakcheck.work import Check


@click.command()
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("--symbol", type=SYMBOL, help="Market, like BTC/USDT, where FILES hold several.")
@own_timeframe_option
@beside_option
@horizons_option
@latency_option
@json_option
def leakcheck(
    files: tuple[Path, ...],
    symbol: str | None,
    timeframe: str | None,
    beside: tuple[tuple[str, Path], ...],
    horizons: tuple[int, ...],
    latency_ms: int,
    *,
    as_json: bool,
) -> None:
    """Check that no feature, label or split knows what comes later.

    FILES are recordings of trades or candles, as for `realtime evaluate`; their newest rows are
    checked: with the future scrambled, the past cut off, and holes in time. Ends with 1 where
    there is a leak, and names the feature and the row.
    """
    from realtime_training.commands.leakcheck.sample import read_sample
    from realtime_training.commands.leakcheck.work import check_leaks
    from realtime_training.settings import load_all

    settings = load_all()
    every = [*files, *(file for _, file in beside)]
    with report.reading(every, shown=not as_json) as advanced:
        sample = read_sample(
            files, settings, symbol=symbol, timeframe=timeframe, beside=beside, advanced=advanced
        )
    summary = check_leaks(
        sample, horizons, settings, latency_ms=latency_ms,
        told=_ignored if as_json else _print,
    )  # fmt: skip
    if as_json:
        report.print_json(summary)
    else:
        found = "clean" if summary["clean"] else f"{summary['leaks']} leaks"
        click.echo(
            f"{found}: {summary['rows']:,} rows of {summary['timeframe']}, "
            f"{summary['features']} features, label: {summary['label']}"
        )
    if not summary["clean"]:
        sys.exit(1)


def _ignored(check: Check) -> None:
    del check


def _print(check: Check) -> None:
    ahead = "" if check.horizon is None else f" (horizon {check.horizon})"
    state = "LEAK" if check.leaks else "skipped" if check.skipped else "ok"
    click.echo(f"{state:8}{check.name}{ahead}: {check.skipped or check.says}")
    for leak in check.leaks:
        click.echo(f"        {leak.feature} at {leak.time_ms}: {leak.detail}")
