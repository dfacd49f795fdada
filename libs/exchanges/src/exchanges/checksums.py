"""What books sum up to, by the rule of the venue that says so."""

from __future__ import annotations

from decimal import Decimal
from itertools import chain, zip_longest
from zlib import crc32

from exchanges.events import Levels

_KRAKEN_LEVELS, _OKX_LEVELS = 10, 25


def kraken_checksum(
    bids: Levels, asks: Levels, *, price_decimals: int, quantity_decimals: int
) -> int:
    """Return CRC-32 of the ten best asks and then bids, as Kraken's `book` channel does.

    Prices and quantities are written with the decimals of the market, without the point and the
    zeros before. https://docs.kraken.com/exchange/guides/websockets/book-checksum-v2
    """
    text = "".join(
        _digits(price, price_decimals) + _digits(quantity, quantity_decimals)
        for price, quantity in (*asks[:_KRAKEN_LEVELS], *bids[:_KRAKEN_LEVELS])
    )
    return crc32(text.encode())


def okx_checksum(bids: Levels, asks: Levels) -> int:
    """Return CRC-32, as a signed number, of the 25 best bids and asks by turns.

    OKX's `books` channel had it until June 2026, when it became 0 for all books: it proves
    recordings made before. https://www.okx.com/docs-v5/en/#order-book-trading-market-data
    """
    turns = chain.from_iterable(zip_longest(bids[:_OKX_LEVELS], asks[:_OKX_LEVELS]))
    numbers = chain.from_iterable(level for level in turns if level is not None)
    summed = crc32(":".join(map(_plain, numbers)).encode())
    return summed - (1 << 32) if summed >= 1 << 31 else summed


def _plain(number: float) -> str:
    return format(Decimal(repr(number)), "f").removesuffix(".0")


def _digits(number: float, decimals: int) -> str:
    return f"{number:.{decimals}f}".replace(".", "").lstrip("0")
