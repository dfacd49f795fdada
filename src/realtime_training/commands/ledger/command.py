"""`realtime ledger verify`: the chains of seals, and the predictions and outcomes they cover."""

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
    """Tell whether predictions or outcomes were changed, added or removed afterwards."""


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
    """Hold stored predictions and outcomes against their seals; what is not as it was is code 1.

    The chains of seals are checked as a whole, predictions and outcomes in the range. Old ones that
    were deleted are told, and are no fault. Note the heads that are printed where nobody can change
    them: with --head they show whether a whole chain was made anew.
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
        raise RealtimeError(f"{faults} faults: what is stored is not what it was")


def _verified(store: Store, market: str, from_ms: int, to_ms: int) -> list[Verified]:
    from marketstream.sealing import CHAINS
    from marketstream.sealing import verify as verified

    return [
        verified(store, market, timeframe, from_ms, to_ms, chain)
        for timeframe in store.timeframes(market)
        for chain in CHAINS
        if chain.span(store, market, timeframe) or chain.seals(store, market, timeframe)
    ]


def _holds(store: Store, markets: Iterable[str], head: str) -> bool:
    from marketstream.sealing import CHAINS

    return any(
        seal.hash == head
        for market in markets
        for timeframe in store.timeframes(market)
        for chain in CHAINS
        for seal in chain.seals(store, market, timeframe)
    )


def _tell(found: Sequence[Verified]) -> None:
    if not found:
        click.echo("nothing was predicted yet")
    for one in found:
        seals = "1 seal" if one.seals == 1 else f"{one.seals:,} seals"
        click.echo(
            f"{one.market} {one.timeframe}: {seals}; {one.rows:,} {one.of} as they were sealed, "
            f"{one.deleted:,} deleted since, {one.unsealed:,} not sealed yet"
        )
        for fault in one.faults:
            click.echo(f"  {fault}")
        if one.head is not None:
            click.echo(f"  head {one.head}")
