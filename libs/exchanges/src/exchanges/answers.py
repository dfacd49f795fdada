"""What all venues' REST parsers do alike: decode an answer, check its order, read a step."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import msgspec

from exchanges.venue import HistoricTrade, Page
from marketstream.errors import NetworkError

_PLAIN = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})?")


def decode_answer[T](status: int, body: bytes, shape: type[T]) -> T:
    """Return an answer as a struct; raises NetworkError where it is refused or of another shape."""
    if status != 200:
        raise NetworkError(f"the exchange answered HTTP {status}: {_shortened(body)}")
    try:
        return msgspec.json.decode(body, type=shape, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NetworkError(f"unexpected answer ({error}): {_shortened(body)}") from error


def decode_rows[Row](
    rows: Sequence[msgspec.Raw], shape: type[Row], trade_of: Callable[[Row], HistoricTrade | None]
) -> Page:
    """Return the trades that rows are; `trade_of` raises ValueError where one makes no sense.

    It returns None for one that is not of the market's trades.
    """
    decode = msgspec.json.Decoder(shape, strict=False).decode
    trades, refused = [], []
    for row in rows:
        try:
            trade = trade_of(decode(row))
            if trade is not None:
                trades.append(trade)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            refused.append(f"{error}: {_shortened(bytes(row))}")
    return Page(trades, tuple(refused))


def check_order(symbol: str, name: str, numbers: Sequence[int]) -> None:
    """Raise NetworkError where numbers do not rise."""
    for one, two in pairwise(numbers):
        if two <= one:
            raise NetworkError(f"{symbol}: {name} {two} is not after {one} before it")


def decimals_of(step: str) -> int:
    """Return the decimals of a step such as 0.01000000: 2; ArithmeticError or TypeError if none."""
    exponent = Decimal(step).normalize().as_tuple().exponent
    if not isinstance(exponent, int):
        raise TypeError(f"{step!r} is no step")
    return max(0, -exponent)


def exact(number: str) -> Fraction:
    """Return a number as it is written; ValueError for an exponent, by which it may be endless."""
    if not _PLAIN.fullmatch(number):
        raise ValueError(f"{number!r:.50} is no plain number")
    return Fraction(number)


def _shortened(body: bytes) -> str:
    return repr(body[:200].decode(errors="replace"))
