"""Numbers out of text, exactly: whole mantissas with their decimals, a column at a time."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal, InvalidOperation, Overflow
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_WIDEST = 40  # characters of a number; longer text is none
_MOST_DIGITS = 19  # that an unsigned 64-bit mantissa holds, whatever they are
_MOST_DECIMALS = 18
_FLOAT_DIGITS = 15  # that a binary float holds for sure
_FINEST = 300  # decimals that floats have; no market does
_EXCHANGE_DECIMALS = 8
_LARGEST = 2**63 - 1
_POWERS = tuple(10**exponent for exponent in range(_MOST_DECIMALS + 1))
_ROUNDED = Context(prec=_MOST_DECIMALS)
_ZERO, _POINT = np.uint8(ord("0")), np.uint8(ord("."))

type Integers = NDArray[np.int64]
type Flags = NDArray[np.bool_]
type Floats = NDArray[np.float64]


class Numbers(NamedTuple):
    """A column of numbers: `mantissa` / 10**`decimals` in each row that is `ok`, zero elsewhere."""

    mantissa: Integers
    decimals: Integers
    ok: Flags

    def chosen(self, rows: Flags) -> Numbers:
        """Return some of the rows."""
        return Numbers(self.mantissa[rows], self.decimals[rows], self.ok[rows])

    def floats(self) -> Floats:
        """Return the nearest floats."""
        return np.asarray(self.mantissa / 10.0**self.decimals)


def read_numbers(texts: Sequence[bytes]) -> Numbers:
    """Read a column of numbers as they are written; exponents are understood.

    Rows that hold no number, a negative one, or a whole number beyond 64 bits are not `ok`.
    """
    column = np.array(texts, dtype=f"S{_WIDEST + 1}")
    length = np.char.str_len(column)
    characters = np.ascontiguousarray(column.view(np.uint8).reshape(-1, _WIDEST + 1).T)
    mantissa = np.zeros(len(column), np.uint64)
    written = np.zeros(len(column), np.int64)  # digits
    significant = np.zeros(len(column), np.int64)
    decimals = np.zeros(len(column), np.int64)
    points = np.zeros(len(column), np.int64)
    for character in characters[: int(length.max(initial=0))]:
        digit = character - _ZERO  # whatever is below "0" wraps round to far above 9
        is_digit = digit < 10
        mantissa = np.where(is_digit, mantissa * np.uint64(10) + digit, mantissa)
        written += is_digit
        significant += is_digit & (mantissa > 0)
        decimals += is_digit & (points > 0)
        points += character == _POINT
    ok = (written > 0) & (points <= 1) & (written + points == length) & (length <= _WIDEST)
    ok &= (significant <= _MOST_DIGITS) & (mantissa <= np.uint64(_LARGEST))
    mantissa[~ok] = 0
    decimals[~ok] = 0
    numbers = Numbers(mantissa.astype(np.int64), decimals, ok)
    for row in np.flatnonzero(~ok & (length > 0) & (length <= _WIDEST)).tolist():
        _read_slowly(texts[row], numbers, row)
    return numbers


def shortest(numbers: Numbers) -> Numbers:
    """Drop trailing zeros, and what binary floats left behind their fifteenth digit.

    A number of more than 15 digits and more than 8 decimals, such as 0.30000000000000004, was a
    float once: it is rounded to 15 digits.
    """
    mantissa, decimals, ok = numbers.mantissa.copy(), numbers.decimals.copy(), numbers.ok
    _drop_zeros(mantissa, decimals)
    noisy = np.flatnonzero((decimals > _EXCHANGE_DECIMALS) & (mantissa >= 10**_FLOAT_DIGITS))
    if len(noisy):
        beyond = np.searchsorted(_POWERS[_FLOAT_DIGITS:], mantissa[noisy], side="right")
        divisor = np.array(_POWERS)[beyond]
        mantissa[noisy] = mantissa[noisy] // divisor + (mantissa[noisy] % divisor >= divisor // 2)
        decimals[noisy] -= beyond
        _drop_zeros(mantissa, decimals)
    return Numbers(mantissa, decimals, ok)


def in_units(numbers: Numbers) -> tuple[int, Integers, Flags]:
    """Return the decimals that hold all numbers, the numbers in units of the last, and which fit.

    Where the largest and the finest number do not go into 64 bits together, the finest do not fit.
    """
    mantissa, decimals, _ = numbers
    powers = np.array(_POWERS, np.int64)
    whole = mantissa // powers[np.minimum(decimals, _MOST_DECIMALS)]
    most = min(int(np.max(decimals, initial=0)), _MOST_DECIMALS)
    while most and (int(np.max(whole, initial=0)) + 1) * 10**most > _LARGEST:
        most -= 1
    fits = decimals <= most
    return most, np.where(fits, mantissa * powers[np.where(fits, most - decimals, 0)], 0), fits


def _drop_zeros(mantissa: Integers, decimals: Integers) -> None:
    decimals[mantissa == 0] = 0
    rows = np.flatnonzero(decimals)
    while len(rows):
        rows = rows[mantissa[rows] % 10 == 0]
        mantissa[rows] //= 10
        decimals[rows] -= 1
        rows = rows[decimals[rows] > 0]


def _read_slowly(text: bytes, numbers: Numbers, row: int) -> None:
    """Read one number with an exponent, spaces, a plus sign or more digits than 64 bits hold."""
    try:
        number = Decimal(text.decode("ascii"))
    except (InvalidOperation, UnicodeDecodeError):
        return
    if not number.is_finite() or number < 0:
        return
    try:
        _, digits, exponent = _ROUNDED.normalize(number).as_tuple()
    except Overflow:
        return
    exponent = int(exponent)
    mantissa = int("".join(map(str, digits)))
    if 0 < exponent <= _MOST_DIGITS:
        mantissa, exponent = mantissa * 10**exponent, 0
    if exponent <= 0 and mantissa <= _LARGEST:
        decimals = min(-exponent, _FINEST)
        numbers.mantissa[row], numbers.decimals[row], numbers.ok[row] = mantissa, decimals, True
