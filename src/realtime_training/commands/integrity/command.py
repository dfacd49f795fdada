"""`realtime integrity`: what is proven of the stored markets, what is missing, and why."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from marketstream.errors import InputError
from marketstream.moments import moment_ms
from marketstream.settings import SystemSettings, load_settings
from realtime_training import report
from realtime_training.commands.options import json_option
from realtime_training.commands.types import FOLDER, Checked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marketstream.integrity import Integrity
    from marketstream.store.port import Store


def _moment(text: str) -> int:
    return moment_ms(text, time.time_ns() // 1_000_000)


MOMENT = Checked("time", _moment)


@click.command()
@click.option(
    "--market",
    "markets",
    multiple=True,
    help="Only this one, such as binance:BTC/USDT; may be repeated.  [default: all in the store]",
)
@click.option(
    "--from",
    "from_ms",
    type=MOMENT,
    help="From this time, such as 2026-11-22T03:00Z (in UTC unless it says), or from so long ago, "
    "such as 90m.  [default: a day before --to]",
)
@click.option(
    "--to",
    "to_ms",
    type=MOMENT,
    help="Until then, at most 31 days later.  [default: now; of a recording, its end]",
)
@click.option(
    "--state",
    type=FOLDER,
    default=Path("state"),
    show_default=True,
    help="Folder of the database, unless a POSTGRES_ setting names PostgreSQL.",
)
@json_option
def integrity(
    markets: tuple[str, ...],
    from_ms: int | None,
    to_ms: int | None,
    state: Path,
    *,
    as_json: bool,
) -> None:
    """Say of stored markets what is proven, what is missing and why.

    It reads the database of `realtime run`, also while that runs, or of the services. Of each
    market it shows the ids seen, candles by their certificate and beside the exchange's own, gaps
    and what became of them, and stalls and how they ended. What is lost or unknown is declared, and
    no fault of the ledger.

    Ends with 0 where nothing is left to be told; with 1 where a gap is open, a stall lasts, or a
    candle contradicts its certificate; with 3 where there is no store or no such market.

    \b
    Examples:
      realtime integrity                               the last day of all markets
      realtime integrity --from 1h                     the last hour
      realtime integrity --market binance:BTC/USDT --from 2026-11-22 --to 2026-11-23
      realtime integrity --json | jq '.markets[].gaps'
    """  # noqa: D301 - click asks for a real backspace
    with contextlib.closing(_open(state)) as store:
        found = _read(store, markets, from_ms, to_ms)
    is_sound = all(each.sound for each in found)
    if as_json:
        report.print_json({"sound": is_sound, "markets": found})
    else:
        from realtime_training.commands.integrity.report import print_integrity

        for each in found:
            print_integrity(each)
    if not is_sound:
        sys.exit(1)


def _open(state: Path) -> Store:
    from marketstream.store.postgresql import postgres_url
    from marketstream.store.sql import open_store

    system = load_settings(SystemSettings, None)
    if any(name.startswith("postgres_") for name in system.model_fields_set):
        return open_store(postgres_url(system))
    path = state / "realtime.sqlite"
    if not path.exists():
        raise InputError(
            f"{path}: no such file: let realtime run collect some candles, or name its folder with "
            "--state"
        )
    return open_store(f"sqlite:///{path}")


def _read(
    store: Store, asked: Sequence[str], from_ms: int | None, to_ms: int | None
) -> list[Integrity]:
    from marketstream.integrity import integrity as integrity_of
    from marketstream.integrity import range_of

    stored = store.markets()
    unknown = [market for market in asked if market not in stored]
    if unknown or not stored:
        raise InputError(
            f"the store holds no candles{f' of {unknown[0]}' if unknown else ''}: "
            f"{'it has ' + ', '.join(stored) if stored else 'let realtime run collect some'}"
        )
    now_ms = time.time_ns() // 1_000_000
    found = []
    for market in asked or stored:
        window = range_of(from_ms, to_ms, store.newest_ms(market), now_ms)
        found.append(integrity_of(market, *window, store.ledger(market, *window)))
    return found
