"""What the venues declare of themselves, as a table of a page in docs/."""

from __future__ import annotations

from exchanges.catalogue import venues
from exchanges.venue import Past, Silence, Venue

_PAST: dict[Past, str] = {"by_id": "by id", "by_time": "by time", "none": "none"}
_PROVES: dict[Silence, str] = {
    "connection": "the line is up",
    "channel": "the market is sent",
    "last_id": "nothing is missed",
}


def table() -> str:
    """Return the venues with their capabilities."""
    rows = [
        "| venue | ids | past trades | a sign of life proves | time in quotes | levels of books "
        "| told of perpetuals | symbols a connection |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, venue in sorted(venues().items()):
        folder = f"../libs/exchanges/src/exchanges/{name.replace('-', '_')}"
        rows.append(
            f"| [{name}]({folder}) | {venue.ids} | {_past(venue)} | {_PROVES[venue.silence]} | "
            f"{'yes' if venue.quote_times else 'no'} | {venue.book_levels or 'none'} | "
            f"{_told(venue)} | {venue.most_symbols:,} |"
        )
    return "\n".join(rows)


def _told(venue: Venue) -> str:
    parts = () if venue.context is None else venue.context.parts
    return ", ".join(part.replace("_", " ") for part in sorted(parts)) or "nothing"


def _past(venue: Venue) -> str:
    how = _PAST[venue.past]
    return how if venue.past_trades is None else f"{how}, the newest {venue.past_trades:,}"
