"""`realtime models`: which models were trained, who serves and served, and what came of it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from marketstream.errors import InputError
from realtime_training import report
from realtime_training.commands.models.arena import arena, print_told, told
from realtime_training.commands.models.export import export
from realtime_training.commands.models.roles import COMMANDS
from realtime_training.commands.options import json_option
from realtime_training.commands.stored import (
    asked_ranges,
    markets_option,
    open_stored,
    range_options,
    state_option,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from marketstream.store.port import Store
    from marketstream.track_record import ModelRecord


@click.group()
def models() -> None:
    """Tell of the models that were trained: when each served, and how good it was.

    \b
    Examples:
      realtime models list                      the last day, of every market and horizon
      realtime models list --from 7d --json     a week, as one object
      realtime models show 1795793280000        one of them at length
      realtime models arena                     the models from outside that take part
      realtime models history                   who became champion, when and why
      realtime models rollback --market binance:BTC/USDT --horizon 2
                                                who served before serves again
    """  # noqa: D301 - click asks for a real backspace


@models.command("list")
@markets_option
@range_options
@state_option
@json_option
def list_models(
    markets: tuple[str, ...],
    from_ms: int | None,
    to_ms: int | None,
    state: Path,
    *,
    as_json: bool,
) -> None:
    """List the versions that were trained or served, by market and horizon, the newest first.

    It reads the database of `realtime run`, also while that runs, or of the services. The accuracy
    is of what the version served in the range, where the price moved and it did not abstain, with
    its 95 % interval; rows whose outcomes overlap count for less. Models from outside that the
    configuration has take part (docs/arena.md) follow.
    """
    with contextlib.closing(open_stored(state)) as store:
        found = _read(store, markets, from_ms, to_ms)
    from realtime_training.settings import load_all

    outside = told(load_all().predictor.arena)
    if as_json:
        report.print_json({"models": found, "arena": outside})
    else:
        from realtime_training.commands.models.report import print_list

        print_list(found)
        print_told(outside)


@models.command()
@click.argument("version")
@markets_option
@range_options
@state_option
@json_option
def show(
    version: str,
    markets: tuple[str, ...],
    from_ms: int | None,
    to_ms: int | None,
    state: Path,
    *,
    as_json: bool,
) -> None:
    """Show the models of this VERSION at length: one for each market and horizon that has it.

    The candidates of a training are told with their log loss on later rows: the least of them was
    chosen. What of VERSION served counts in the range, which is the last day unless it is said.
    """
    with contextlib.closing(open_stored(state)) as store:
        every = _read(store, markets, from_ms, to_ms)
    found = [one for one in every if one.version == version]
    if not found:
        known = sorted({one.version for one in every}, reverse=True)[:5]
        told = f"there are {', '.join(known)}" if known else "no model was trained or served then"
        raise InputError(f"no model of version {version} in the range: {told}; see --from")
    if as_json:
        report.print_json({"models": found})
    else:
        from realtime_training.commands.models.report import print_one

        for one in found:
            print_one(one)


@models.command()
@markets_option
@range_options
@state_option
@json_option
def history(
    markets: tuple[str, ...],
    from_ms: int | None,
    to_ms: int | None,
    state: Path,
    *,
    as_json: bool,
) -> None:
    """Tell who became champion of which horizon, when and why, the oldest first."""
    with contextlib.closing(open_stored(state)) as store:
        terms = [
            model
            for market, window in asked_ranges(store, markets, from_ms, to_ms).items()
            for model in store.models(market, *window)
        ]
    if as_json:
        report.print_json({"history": terms})
    else:
        from realtime_training.commands.models.report import print_history

        print_history(terms)


for each in (*COMMANDS, arena, export):
    models.add_command(each)


def _read(
    store: Store, asked: Sequence[str], from_ms: int | None, to_ms: int | None
) -> list[ModelRecord]:
    from marketstream.track_record import read_track_records

    return [
        record
        for market, window in asked_ranges(store, asked, from_ms, to_ms).items()
        for record in read_track_records(store, market, *window)
    ]
