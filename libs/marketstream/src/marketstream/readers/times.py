"""Times out of text: numbers in s, ms, µs or ns by their size, row by row, or dates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from marketstream.errors import InputError
from marketstream.readers.numbers import Flags, Integers, read_numbers

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST_US = 1_230_768_000_000_000  # the year 2009: nothing was traded before Bitcoin
_LAST_US = 4_102_444_800_000_000  # the year 2100
_UNITS = ((10**11, 6), (10**14, 3), (10**17, 0), (2**63 - 1, -3))  # below, µs in one as power of 10
_ANY_DATE = re.compile(rb"[-/a-df-zA-DF-Z]|\d\.\d+\.")
_DAY_AND_MONTH = re.compile(
    r"(\d{1,2})([/.])(\d{1,2})\2(\d{4})"
    r"(?:[ T,]+(\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?)\s*([AaPp][Mm])?)?"
)
_YEAR_FIRST = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})(.*)")
_OTHERS = ("%Y-%m-%d %I-%p", "%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d-%b-%Y")
_ROUNDED = re.compile(rb"\s*(\d(?:[.,]\d{1,5})?)[eE]\+?\d+\s*")
ROUNDED_TIME = "time rounded by a spreadsheet, which has to keep it as text"
_MOST_MONTHS = 12


@dataclass
class DateOrder:
    """Whether the day comes before the month in dates like 26/09/2024, once one has told it."""

    day_first: bool | None = None


def read_times_us(texts: Sequence[bytes], order: DateOrder | None = None) -> tuple[Integers, Flags]:
    """Read a column of times as µs in UTC, and say which rows hold one of the years 2009 to 2099.

    What is finer than a µs is cut off. A date without an offset is taken as UTC. Numbers that a
    spreadsheet cut down to six digits (1.62328E+12) are no times. Raises InputError where it
    cannot be told whether day or month comes first.
    """
    numbers = list(texts)
    dates: list[int] = []
    if b"".join(texts).translate(None, b"0123456789"):
        dates = [row for row, text in enumerate(texts) if _ANY_DATE.search(text)]
    for row in dates:
        numbers[row] = b""
    _drop_rounded(numbers)
    mantissa, decimals, _ = read_numbers(numbers)
    whole = mantissa // 10 ** np.minimum(decimals, 18)
    below, powers = np.array(_UNITS).T
    exponents = powers[np.searchsorted(below, whole, side="right").clip(max=3)] - decimals
    up = 10 ** exponents.clip(0, 6)
    down = 10 ** (-exponents).clip(0, 18)
    times_us = mantissa // down * up
    if dates:
        written = [texts[row].decode("utf-8", "replace").strip() for row in dates]
        times_us[dates] = _dates_us(written, order or DateOrder())
    return times_us, (times_us >= _FIRST_US) & (times_us < _LAST_US)


def is_rounded(text: bytes) -> bool:
    """Say whether a number has an exponent and no more than the six digits a spreadsheet keeps."""
    return _ROUNDED.fullmatch(text) is not None


def _drop_rounded(numbers: list[bytes]) -> None:
    """Blank the numbers with exponents where none of them has more than six digits."""
    joined = b"".join(numbers)
    if b"E" not in joined and b"e" not in joined:
        return
    rows = [row for row, text in enumerate(numbers) if b"E" in text or b"e" in text]
    if all(is_rounded(numbers[row]) for row in rows):
        for row in rows:
            numbers[row] = b""


def _dates_us(texts: Sequence[str], order: DateOrder) -> list[int]:
    slashed = [found for text in texts if (found := _DAY_AND_MONTH.fullmatch(text)) is not None]
    if slashed and order.day_first is None:
        order.day_first = _day_first(slashed)
    return [_date_us(text, order) for text in texts]


def _day_first(dates: Sequence[re.Match[str]]) -> bool:
    first = any(int(date[1]) > _MOST_MONTHS or date[2] == "." for date in dates)
    second = any(int(date[3]) > _MOST_MONTHS for date in dates)
    if first == second:
        raise InputError(
            f"dates like {dates[0][0]}: whether the day or the month comes first cannot be told "
            "from the first of them: write them like 2024-09-26"
        )
    return first


def _date_us(text: str, order: DateOrder) -> int:
    """Return a date in µs, or 0 where it is none."""
    date = _date(text, order)
    if date is None:
        return 0
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return (date - _EPOCH) // _MICROSECOND


def _date(text: str, order: DateOrder) -> datetime | None:
    found = _DAY_AND_MONTH.fullmatch(text)
    if found is not None:
        one, _, other, year, clock, half = found.groups()
        day, month = (one, other) if order.day_first else (other, one)
        return _clocked(f"{year}-{int(month):02}-{int(day):02}", clock, half)
    found = _YEAR_FIRST.fullmatch(text)
    if found is not None:
        text = f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}{found[4]}"
    with suppress(ValueError):
        return datetime.fromisoformat(text.removesuffix(" UTC"))
    for form in _OTHERS:
        with suppress(ValueError):
            return datetime.strptime(text, form).replace(tzinfo=UTC)
    return None


def _clocked(day: str, clock: str | None, half: str | None) -> datetime | None:
    clock = clock or "00:00"
    hours, _, rest = clock.partition(":")
    if half is not None:
        hours = str(int(hours) % 12 + (12 if half.lower() == "pm" else 0))
    try:
        return datetime.fromisoformat(f"{day}T{int(hours):02}:{rest}")
    except ValueError:
        return None
