"""What books sum up to, by the rule of the venue that says so.

OKX had one too, which is 0 for all books since June 2026: its numbers have to do.
"""

from __future__ import annotations

from zlib import crc32

from exchanges.events import Levels

_LEVELS = 10


def kraken_checksum(
    bids: Levels, asks: Levels, *, price_decimals: int, quantity_decimals: int
) -> int:
    """Return CRC-32 of the ten best asks and then bids, as Kraken's `book` channel does.

    Prices and quantities are written with the decimals of the market, without the point and the
    zeros before. https://docs.kraken.com/exchange/guides/websockets/book-checksum-v2
    """
    text = "".join(
        _digits(price, price_decimals) + _digits(quantity, quantity_decimals)
        for price, quantity in (*asks[:_LEVELS], *bids[:_LEVELS])
    )
    return crc32(text.encode())


def _digits(number: float, decimals: int) -> str:
    return f"{number:.{decimals}f}".replace(".", "").lstrip("0")
