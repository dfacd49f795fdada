"""How whole a market is, as tables."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from marketstream.integrity import GapSeen, Integrity
from marketstream.moments import iso
from realtime_training.report import narrow_table

_SHOWN = 20


def print_integrity(found: Integrity) -> None:
    """Print a market's tables; those with nothing in them are left out."""
    console = Console()
    proven = (
        "nothing yet" if found.proven_until_ms is None else f"until {iso(found.proven_until_ms)}"
    )
    verdict = (
        "sound, whatever is missing is declared"
        if found.sound
        else "not sound: a gap is open, a stall lasts, or a candle contradicts its certificate"
    )
    console.print(f"{found.market}: {verdict}; proven {proven}", highlight=False, soft_wrap=True)
    tables = [_epochs(found), _candles(found), _parity(found), _gaps(found), _stalls(found)]
    for table in tables:
        if table.rows:
            console.print(table)


def _epochs(found: Integrity) -> Table:
    table = narrow_table(
        "Trade ids that were seen", "epoch", "from", "to", "first", "last", "trades", "missing"
    )
    for epoch in found.epochs:
        table.add_row(
            str(epoch.epoch), _when(epoch.from_ms)[:-3], _when(epoch.to_ms)[:-3],
            _id(epoch.first_id), _id(epoch.last_id), f"{epoch.published:,}", f"{epoch.missing:,}",
        )  # fmt: skip
    return table


def _candles(found: Integrity) -> Table:
    names = ("candles", "complete", "incomplete", "unknown", "filled", "revised", "contradicted")
    table = narrow_table("Candles that closed", "of", *names)
    for candles in found.candles:
        counts = (getattr(candles, name) for name in names)
        table.add_row(candles.timeframe, *(f"{count:,}" for count in counts))
    return table


def _parity(found: Integrity) -> Table:
    names = ("compared", "equal", "different")
    table = narrow_table("Complete candles beside the exchange's own", "of", *names)
    for parity in found.parity or ():
        table.add_row(parity.timeframe, *(f"{getattr(parity, name):,}" for name in names))
    return table


def _gaps(found: Integrity) -> Table:
    counts = ", ".join(f"{count:,} {state}" for state, count in found.gap_counts.items())
    table = narrow_table(
        f"Gaps: {counts}", "epoch", "ids", "trades", "since", "until", "state", "why"
    )
    for gap in found.gaps[-_SHOWN:]:
        table.add_row(
            str(gap.epoch), _ids(gap), f"{gap.ids:,}", _when(gap.since_ms), _until(gap.until_ms),
            gap.state, gap.reason or "",
        )  # fmt: skip
    return table


def _stalls(found: Integrity) -> Table:
    counts = ", ".join(f"{count:,} {end}" for end, count in found.stall_counts.items() if count)
    table = narrow_table(f"Stalls: {counts}", "channel", "since", "until", "seconds", "end")
    for stall in found.stalls[-_SHOWN:]:
        lasted = (
            "" if stall.until_ms is None else f"{(stall.until_ms - stall.since_ms) / 1_000:.1f}"
        )
        table.add_row(
            stall.channel, _when(stall.since_ms), _until(stall.until_ms), lasted, stall.end
        )
    return table


def _ids(gap: GapSeen) -> str:
    if not gap.ids:
        return f"the numbering ended at {gap.first_id}"
    return f"{gap.first_id} to {gap.end_id - 1}"


def _id(number: int | None) -> str:
    return "" if number is None else str(number)


def _until(time_ms: int | None) -> str:
    return "" if time_ms is None else _when(time_ms)


def _when(time_ms: int) -> str:
    """Return a moment to the second, without its year: lines have to fit."""
    return iso(time_ms)[5:19].replace("T", " ")
