"""What commands that read the store share: where it is, which markets, and over which time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marketstream.errors import InputError
from marketstream.moments import moment_ms
from marketstream.settings import SystemSettings, load_settings
from realtime_training.commands.types import FOLDER, Checked

if TYPE_CHECKING:
    from marketstream.store.port import Store


def _moment(text: str) -> int:
    return moment_ms(text, time.time_ns() // 1_000_000)


MOMENT = Checked("time", _moment)

markets_option = click.option(
    "--market",
    "markets",
    multiple=True,
    help="Only this one, such as binance:BTC/USDT; may be repeated.  [default: all in the store]",
)

state_option = click.option(
    "--state",
    type=FOLDER,
    default=Path("state"),
    show_default=True,
    help="Folder of the database, unless a POSTGRES_ setting names PostgreSQL.",
)

_FROM = click.option(
    "--from",
    "from_ms",
    type=MOMENT,
    help="From this time, such as 2026-11-22T03:00Z (in UTC unless it says), or from so long ago, "
    "such as 90m.  [default: a day before --to]",
)
_TO = click.option(
    "--to",
    "to_ms",
    type=MOMENT,
    help="Until then, at most 31 days later.  [default: now; of a recording, its end]",
)


def range_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--from` and `--to`."""
    return _FROM(_TO(command))


def open_stored(state: Path) -> Store:
    """Open the database of the settings or the folder; InputError where there is none."""
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


def _asked_markets(store: Store, asked: Sequence[str]) -> Sequence[str]:
    """Return the markets that are asked for, or all; InputError for one that is not stored."""
    stored = store.markets()
    unknown = [market for market in asked if market not in stored]
    if unknown or not stored:
        raise InputError(
            f"the store holds no candles{f' of {unknown[0]}' if unknown else ''}: "
            f"{'it has ' + ', '.join(stored) if stored else 'let realtime run collect some'}"
        )
    return asked or stored


def asked_ranges(
    store: Store, asked: Sequence[str], from_ms: int | None, to_ms: int | None
) -> dict[str, tuple[int, int]]:
    """Return the range of time that is asked for of each market, the last day without any.

    InputError for a market that is not stored.
    """
    from marketstream.integrity import range_of

    return {
        market: range_of(from_ms, to_ms, store.newest_ms(market), time.time_ns() // 1_000_000)
        for market in _asked_markets(store, asked)
    }
