"""Moments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

from marketstream.errors import SettingsError
from marketstream.timeframes import duration_ms

_LEAST_MS = 10**11  # in 1973: whole numbers below are lengths of time
_END_MS = 253_370_764_800_000  # 9999 begins; a day around any moment before it can be written


def moment_ms(text: str, now_ms: int) -> int:
    """Return the time in ms that a text names.

    It is a time such as `2026-11-22T03:00Z` (in UTC unless it says), ms since 1970, or how long
    before `now_ms` it is, such as `90m`. Raises SettingsError for anything else, and for a time
    before 1970 or after 9998.
    """
    found_ms = _read(text, now_ms)
    if not 0 <= found_ms < _END_MS:
        raise SettingsError(f"{text!r} is not between 1970 and 9998")
    return found_ms


def _read(text: str, now_ms: int) -> int:
    if text.isascii() and text.isdecimal() and _LEAST_MS <= int(text[:20]) < 10**15:
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            return now_ms - duration_ms(text)
        except SettingsError as error:
            raise SettingsError(
                f"{text!r} is no time: write one such as 2026-11-22T03:00Z, milliseconds since "
                "1970, or so long ago, as in 90m"
            ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1_000)


def iso(ms: int) -> str:
    """Return a time in ms as ISO 8601 in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(ms / 1_000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
