"""`realtime history`: what an exchange traded in the past."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marketstream.errors import SettingsError
from realtime_training import report
from realtime_training.commands.options import json_option
from realtime_training.commands.types import FILE, FOLDER, MARKET

if TYPE_CHECKING:
    from realtime_training.settings import Settings

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("market", type=MARKET)
@click.option("--from", "first", type=_DAY, help="First day (UTC), like 2024-08-08.")
@click.option("--to", "end", type=_DAY, help="Day after the last one.  [default: today]")
@click.option(
    "--archive",
    "archives",
    type=FILE,
    multiple=True,
    help="Instead of asking: a file of the exchange's archive; may be repeated.",
)
@click.option(
    "--to-folder",
    "folder",
    type=FOLDER,
    default=Path("history"),
    show_default=True,
    help="Folder of the files, one a day.",
)
@click.option("--store", "stored", is_flag=True, help="Store the candles too, for realtime train.")
@click.option(
    "--state",
    type=FOLDER,
    default=Path("state"),
    show_default=True,
    help="Folder of the database that --store writes to.",
)
@json_option
def history(
    market: str,
    first: datetime | None,
    end: datetime | None,
    archives: tuple[Path, ...],
    folder: Path,
    state: Path,
    *,
    stored: bool,
    as_json: bool,
) -> None:
    """Get the trades of whole days by the exchange's REST API, or from files of its archive.

    A day that is there already is not asked for again, and one that was cut off is gone on with.
    Requests keep to the exchange's limits. Files are CSV, packed, which candles, train and evaluate
    read. An archive's file is held against the .CHECKSUM beside it.

    \b
    Examples:
      realtime history binance:BTC/USDT --from 2024-08-08 --to 2024-08-10
      realtime history kraken:BTC/USD --from 2024-08-08 --store
      realtime history binance:BTC/USDT --archive BTCUSDT-aggTrades-2024-08.zip --store
    """  # noqa: D301 - click asks for a real backspace
    from marketstream.state_folder import state_folder
    from realtime_training.commands.history.archives import check_sums
    from realtime_training.commands.history.work import store_files
    from realtime_training.settings import load_all

    settings = load_all()
    timeframes = tuple(dict.fromkeys([*settings.timeframes, "1s"]))
    summary: dict[str, Any]
    if archives:
        if first is not None or end is not None:
            raise SettingsError("--archive has its own days: leave out --from and --to")
        checked = check_sums(archives)
        with state_folder(state):
            summary = store_files(market, archives, state, timeframes)
        summary |= {"sums_checked": checked}
    elif first is None:
        raise SettingsError("say --from which day on, like 2024-08-08, or give --archive files")
    else:
        today = datetime.now(UTC).date()
        summary = _fetched(
            market, first.date(), today if end is None else min(end.date(), today),
            folder, state if stored else None, timeframes, settings, shown=not as_json,
        )  # fmt: skip
    report.print_history(summary, as_json=as_json)


def _fetched(
    market: str,
    first: date,
    end: date,
    folder: Path,
    state: Path | None,
    timeframes: tuple[str, ...],
    settings: Settings,
    *,
    shown: bool,
) -> dict[str, Any]:
    from marketstream.state_folder import state_folder
    from realtime_training.commands.history.work import fetch, store_days

    (source,) = settings.trades.sources([market])
    with state_folder(folder), report.days((end - first).days, shown=shown) as advanced:
        fetched = asyncio.run(fetch(source, first, end, folder, advanced))
    summary = fetched.summary()
    if state is not None:
        with state_folder(state):
            summary["candles"] = store_days(fetched, state, timeframes)
    return summary
