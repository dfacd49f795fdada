"""`realtime candles`: any file of trades as candles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from marketstream.errors import SettingsError
from realtime_training import report
from realtime_training.commands.types import BARS, FILE, LISTED_SYMBOL, OUTPUT, TIMEFRAME

if TYPE_CHECKING:
    from candles.bars import BarRule


@click.command()
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("--timeframe", type=TIMEFRAME, help="Length of a candle, like 1m.")
@click.option(
    "--bars",
    type=BARS,
    metavar="KIND:N",
    help="Instead: a bar every so much, like tick:1000, volume:10 or dollar:1000000.",
)
@click.option(
    "--symbol",
    type=LISTED_SYMBOL,
    help="Market, like BTC/USDT or as FILES name it, where they hold several.",
)
@click.option(
    "--fill/--no-fill",
    default=True,
    show_default=True,
    help="Give intervals without trades a flat candle.",
)
@click.option(
    "-o",
    "--output",
    type=OUTPUT,
    help="Write here: .csv, .csv.gz, .parquet or .feather.  [default: CSV on stdout]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object of counts instead.")
def candles(
    files: tuple[Path, ...],
    timeframe: str | None,
    bars: BarRule | None,
    symbol: str | None,
    output: Path | None,
    *,
    fill: bool,
    as_json: bool,
) -> None:
    """Make candles of any recording of trades: a CSV with the twelve columns of a kline.

    FILES are recorded WebSocket frames, CSV, Parquet, Feather or JSON arrays of trades, perhaps in
    .gz or .zip, in any order. What cannot be used, and which candles lack trades, is said on
    stderr.
    """
    from realtime_training.commands.candles.work import make_candles, remarks, write_candles

    by = bars if timeframe is None else timeframe
    if by is None or (bars is not None and timeframe is not None):
        raise SettingsError("give either --timeframe, like 1m, or --bars, like tick:1000")
    with report.reading(files, shown=not as_json) as advanced:
        result = make_candles(files, by, symbol=symbol, fill=fill, advanced=advanced)
    if output is not None or not as_json:
        write_candles(result.candles, output)
    if as_json:
        report.print_json(result.summary())
        return
    for remark in remarks(result):
        click.echo(remark, err=True)
