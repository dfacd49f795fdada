"""`realtime integrity`: what is proven of the stored markets, what is missing, and why."""

from __future__ import annotations

import contextlib
import sys
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

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from marketstream.integrity import Integrity
    from marketstream.store.port import Store


@click.command()
@markets_option
@range_options
@state_option
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

    Of candles, `filled` had trades missing that have come since, and `revised` were changed after
    they closed, as those are that a first start reads while the past comes in. Times are UTC.

    Ends with 0 where a market is sound; with 1 where a gap is open, a stall lasts, or a candle
    contradicts its certificate; with 3 where there is no store or no such market.

    \b
    Examples:
      realtime integrity                               the last day of all markets
      realtime integrity --from 1h                     the last hour
      realtime integrity --market binance:BTC/USDT --from 2026-11-22 --to 2026-11-23
      realtime integrity --json | jq '.markets[].gaps'
    """  # noqa: D301 - click asks for a real backspace
    with contextlib.closing(open_stored(state)) as store:
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


def _read(
    store: Store, asked: Sequence[str], from_ms: int | None, to_ms: int | None
) -> list[Integrity]:
    from marketstream.integrity import integrity as integrity_of

    return [
        integrity_of(market, *window, store.ledger(market, *window))
        for market, window in asked_ranges(store, asked, from_ms, to_ms).items()
    ]
