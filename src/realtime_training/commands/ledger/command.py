"""`realtime ledger verify`: the chain of seals, and the predictions that they cover."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from marketstream.errors import RealtimeError
from realtime_training import report
from realtime_training.commands.options import json_option
from realtime_training.commands.stored import (
    asked_ranges,
    markets_option,
    open_stored,
    range_options,
    state_option,
)

if TYPE_CHECKING:
    from marketstream.sealing import Verified
    from marketstream.store.port import Store


@click.group()
def ledger() -> None:
    """Tell whether predictions were changed, added or removed after they had been made."""


@ledger.command()
@markets_option
@range_options
@click.option("--head", help="A hash that was noted before: it has to be in the chain.")
@state_option
@json_option
def verify(
    markets: tuple[str, ...],
    from_ms: int | None,
    to_ms: int | None,
    head: str | None,
    state: Path,
    *,
    as_json: bool,
) -> None:
    """Hold the stored predictions against their seals; what is not as it was ends with code 1.

    The chain of seals is checked as a whole, predictions in the range. Old predictions that were
    deleted are told, and are no fault. Note the head that is printed where nobody can change it:
    with --head it shows whether the whole chain was made anew.
    """
    with contextlib.closing(open_stored(state)) as store:
        ranges = asked_ranges(store, markets, from_ms, to_ms)
        found = [
            one for market, window in ranges.items() for one in _verified(store, market, *window)
        ]
        known = head is None or _holds(store, ranges, head)
    if as_json:
        report.print_json({"verified": found, "head_found": known})
    else:
        _tell(found)
    if not known:
        raise RealtimeError(f"no seal has the hash {head}: the chain was made anew, or cut off")
    faults = sum(len(one.faults) for one in found)
    if faults:
        raise RealtimeError(f"{faults} faults: what is stored is not what was predicted")


def _verified(store: Store, market: str, from_ms: int, to_ms: int) -> list[Verified]:
    from marketstream.sealing import verify as verified

    return [
        verified(store, market, timeframe, from_ms, to_ms)
        for timeframe in store.timeframes(market)
        if store.prediction_span(market, timeframe) or store.seals(market, timeframe)
    ]


def _holds(store: Store, markets: Iterable[str], head: str) -> bool:
    return any(
        seal.hash == head
        for market in markets
        for timeframe in store.timeframes(market)
        for seal in store.seals(market, timeframe)
    )


def _tell(found: Sequence[Verified]) -> None:
    if not found:
        click.echo("nothing was predicted yet")
    for one in found:
        click.echo(
            f"{one.market} {one.timeframe}: {one.seals:,} seals; {one.predictions:,} predictions "
            f"as they were sealed, {one.deleted:,} deleted since, {one.unsealed:,} not sealed yet"
        )
        for fault in one.faults:
            click.echo(f"  {fault}")
        if one.head is not None:
            click.echo(f"  head {one.head}")
