"""`realtime record`: what exchanges say, into files."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from realtime_training import report
from realtime_training.commands.options import json_option
from realtime_training.commands.types import FOLDER, INTERVAL, MARKET


@click.command()
@click.option(
    "--market",
    "markets",
    type=MARKET,
    multiple=True,
    required=True,
    help="Exchange and symbol, like kraken:BTC/USD; may be repeated.",
)
@click.option(
    "--levels",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="How many levels of the book to record beside trades and best prices.",
)
@click.option(
    "--context",
    is_flag=True,
    help="Record what is told of perpetuals too: mark and index price, funding, open interest, "
    "liquidations.",
)
@click.option(
    "--to",
    "folder",
    type=FOLDER,
    default=Path("recordings"),
    show_default=True,
    help="Folder of the files.",
)
@click.option(
    "--rotate",
    "rotate_ms",
    type=INTERVAL,
    default="1h",
    show_default=True,
    help="Begin a new file after so long.",
)
@click.option("--for", "for_ms", type=INTERVAL, help="End after so long.  [default: at Ctrl-C]")
@json_option
def record(
    markets: tuple[str, ...],
    levels: int,
    folder: Path,
    rotate_ms: int,
    for_ms: int | None,
    *,
    context: bool,
    as_json: bool,
) -> None:
    """Record what exchanges say, as it comes in, until Ctrl-C.

    A file holds the frames of one connection, one a line after its receive time in ns, in .gz; its
    first line says whose they are. Files are named after exchange and time, and SHA256SUMS has
    their sums. What was killed is finished by the next start, and what a lost connection has missed
    is counted as missing. replay, candles and evaluate read the files.

    \b
    Examples:
      realtime record --market binance:BTC/USDT --for 10m
      realtime record --market binance:BTC/USDT --market kraken:BTC/USD --levels 10
      realtime record --market binance-usdm:BTC/USDT:USDT --context
      cd recordings && sha256sum -c SHA256SUMS
    """  # noqa: D301 - click asks for a real backspace
    from marketstream.state_folder import state_folder
    from realtime_training.commands.record.work import Recorder
    from realtime_training.settings import load_all

    sources = load_all().trades.sources(markets)
    with state_folder(folder):
        recorder = Recorder(
            sources, folder, every_s=max(1, rotate_ms // 1_000), levels=levels, context=context
        )
        asyncio.run(recorder.run_for(None if for_ms is None else for_ms / 1_000))
    report.print_recorded(recorder.summary(), folder, as_json=as_json)
