"""Models and what came of them, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console

from marketstream.messages import Model
from marketstream.moments import iso
from marketstream.track_record import ModelRecord
from realtime_training.report import narrow_table

_NOT_KNOWN = "-"
_OF_THE_AVERAGE = "how right what was served then was, an average over all candidates"


def print_list(found: Sequence[ModelRecord]) -> None:
    """Print a table for each market; one line says so where there is nothing."""
    console = Console()
    if not found:
        console.print("no model was trained or served in the range; see --from")
    for market, some in groupby(found, key=lambda one: one.market):
        table = narrow_table(market, "ahead", "version", "model", "served since")
        for name in ("for", "moved", "right", "95 %"):
            table.add_column(name, justify="right")
        for one in some:
            table.add_row(
                _ahead(one), one.version, one.name or _NOT_KNOWN, _minute(one.first_close_ms),
                _length(one), _whole(one.moved), _percent(one.accuracy), _interval(one),
            )  # fmt: skip
        table.caption = _OF_THE_AVERAGE
        table.caption_justify = "left"
        console.print(table)


def print_one(one: ModelRecord) -> None:
    """Print all that is known of a version of one horizon."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{one.market}, {_ahead(one)} ahead: version {one.version}")
    served = (
        f"{_time(one.first_close_ms)} to {_time(one.last_close_ms)}, {one.outcomes:,} outcomes"
        if one.outcomes
        else "nothing in the range"
    )
    console.print(f"  model       {one.name or 'nobody announced it'}")
    console.print(f"  trained     {_time(one.trained_at_ms)}, of {_whole(one.rows)} rows")
    console.print(f"  served      {served}")
    console.print(
        f"  right then  {_percent(one.accuracy)} ({_interval(one)}) of {one.moved:,} moved rows, "
        f"which say as much as {one.effective:,.0f} independent ones; {one.abstained:,} abstained"
    )
    console.print(f"              {_OF_THE_AVERAGE}")
    for term in one.terms:
        console.print(f"  champion    since {_time(term.since_ms)}: {term.why}")
    console.print(f"  in bounds   {_percent(one.coverage)}")
    for name, loss in sorted(one.validation.items(), key=lambda each: (each[1] is None, each[1])):
        told = _NOT_KNOWN if loss is None else f"{loss:.4f}"
        console.print(f"  log loss    {told} {name}")


def print_history(terms: Sequence[Model]) -> None:
    """Print a line for each time that a champion changed."""
    console = Console()
    if not terms:
        console.print("no champion changed in the range; see --from")
    for market, some in groupby(terms, key=lambda one: one.market):
        table = narrow_table(market, "since", "ahead", "version", "model", "why")
        for one in some:
            ahead = f"{one.horizon_ms / 1_000:g} s"
            table.add_row(_time(one.since_ms), ahead, one.version, one.name, one.why)
        console.print(table)


def _ahead(one: ModelRecord) -> str:
    return f"{one.horizon_ms / 1_000:g} s"


def _length(one: ModelRecord) -> str:
    """Return from its first close to its last, in the two largest units."""
    if one.first_close_ms is None or one.last_close_ms is None:
        return _NOT_KNOWN
    minutes, seconds = divmod((one.last_close_ms - one.first_close_ms) // 1_000, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours}h"
    return f"{hours}h {minutes}m" if hours else f"{minutes}m {seconds}s"


def _minute(time_ms: int | None) -> str:
    return _time(time_ms)[5:16].replace("T", " ") or _NOT_KNOWN


def _time(time_ms: int | None) -> str:
    return _NOT_KNOWN if time_ms is None else iso(time_ms)[:19]


def _whole(number: int | None) -> str:
    return _NOT_KNOWN if number is None else f"{number:,}"


def _percent(share: float | None) -> str:
    return _NOT_KNOWN if share is None else f"{100 * share:.1f} %"


def _interval(one: ModelRecord) -> str:
    if one.low is None or one.high is None:
        return _NOT_KNOWN
    return f"{100 * one.low:.1f}-{100 * one.high:.1f}"
