"""`realtime features`: what models see, as a table."""

from __future__ import annotations

from pathlib import Path

import click

from realtime_training import report
from realtime_training.commands.dataset_options import data_options, load
from realtime_training.commands.options import json_option
from realtime_training.commands.types import FILE, OUTPUT


@click.command()
@click.argument("files", nargs=-1, required=True, type=FILE)
@data_options
@click.option(
    "-o",
    "--output",
    type=OUTPUT,
    help="Write here: .csv, .csv.gz, .parquet or .feather.  [default: CSV on stdout]",
)
@json_option
def features(
    files: tuple[Path, ...],
    symbol: str | None,
    timeframe: str | None,
    beside: tuple[tuple[str, Path], ...],
    state: Path,
    output: Path | None,
    *,
    as_json: bool,
) -> None:
    """Make the features of candles, or of trades and recorded frames: a row at every close.

    FILES are those of `realtime evaluate`. A row says the close time in ms, bid, ask and close as
    of then, whether no trade of the candle is missing, and every feature; what is not known is
    empty. With --json it prints counts instead, and writes rows only to --output.
    """
    from realtime_training.commands.features.work import summary, write_features
    from realtime_training.settings import load_all

    data = load(files, load_all(), state, symbol, timeframe, beside, shown=not as_json)
    if output is not None or not as_json:
        write_features(data.table, output)
    if as_json:
        report.print_json(summary(data))
