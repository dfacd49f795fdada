"""Moments are read in the ways that people write them."""

from __future__ import annotations

import pytest

from marketstream.errors import SettingsError
from marketstream.moments import iso, moment_ms

NOW_MS = 1_795_000_000_000


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [
        ("2026-11-22T03:00Z", 1_795_316_400_000),
        ("2026-11-22T03:00", 1_795_316_400_000),
        ("2026-11-22T04:00+01:00", 1_795_316_400_000),
        ("2026-11-22", 1_795_305_600_000),
        ("1795316400123", 1_795_316_400_123),
        ("90m", NOW_MS - 5_400_000),
        ("30", NOW_MS - 30_000),
    ],
)
def test_a_time_is_a_date_milliseconds_or_so_long_ago(text: str, expected_ms: int) -> None:
    assert moment_ms(text, NOW_MS) == expected_ms


@pytest.mark.parametrize("text", ["", "yesterday", "-5m", "1e12", "9" * 30, "2026-13-01"])
def test_what_is_no_time_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(SettingsError, match="no time: write one such as"):
        moment_ms(text, NOW_MS)


@pytest.mark.parametrize("text", ["9" * 15, "9999-12-31", "0001-01-01", "1969-12-31T23:59:59Z"])
def test_a_time_that_no_market_can_have_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="is not between 1970 and 9998"):
        moment_ms(text, NOW_MS)


def test_times_are_told_in_utc_to_the_millisecond() -> None:
    assert iso(1_795_316_400_123) == "2026-11-22T03:00:00.123Z"
