"""`realtime export`: stored candles, predictions, moves and outcomes as Parquet files."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from realtime_training import report
from realtime_training.commands.options import json_option
from realtime_training.commands.stored import (
    asked_ranges,
    markets_option,
    open_stored,
    range_options,
    state_option,
)
from realtime_training.commands.types import FOLDER

if TYPE_CHECKING:
    from pathlib import Path

_KINDS = ("candles", "predictions", "outcomes", "move_forecasts", "move_outcomes")


@click.command()
@click.argument("folder", type=FOLDER)
@click.option(
    "--only",
    "kinds",
    type=click.Choice(_KINDS),
    multiple=True,
    default=_KINDS,
    help="Write only these; may be repeated.  [default: all of them]",
)
@markets_option
@range_options
@state_option
@json_option
def export(
    folder: Path,
    kinds: tuple[str, ...],
    markets: tuple[str, ...],
    from_ms: int | None,
    to_ms: int | None,
    state: Path,
    *,
    as_json: bool,
) -> None:
    """Write what is stored to FOLDER, a file of each kind, such as candles.parquet.

    It reads the database of `realtime run`, also while that runs, or of the services. Candles are
    those that open in the range, of every timeframe that is kept; predictions and outcomes those of
    closes in it, of champions and challengers; move_forecasts and move_outcomes say how far the
    price was said to go, and went. Columns are named and typed as in the database, what
    has parts of its own is JSON. A file that is there is replaced once all of it is written.

    \b
    Examples:
      realtime export tables                           the last day of all markets
      realtime export tables --from 7d --only outcomes
      duckdb -c "SELECT role, avg((verdict = 'right')::INT) FROM 'tables/outcomes.parquet' GROUP BY 1"
    """  # noqa: D301, E501 - click asks for a real backspace
    from realtime_training.commands.export.work import days_of, write_tables

    with contextlib.closing(open_stored(state)) as store:
        ranges = asked_ranges(store, markets, from_ms, to_ms)
        days = sum(days_of(*each) for each in ranges.values())
        with report.days(days, shown=not as_json) as advance:
            rows = write_tables(store, folder, kinds, ranges, advance)
    if as_json:
        report.print_json({"folder": str(folder), "rows": rows})
        return
    for kind, count in rows.items():
        click.echo(f"{folder / kind}.parquet: {count:,} rows")
