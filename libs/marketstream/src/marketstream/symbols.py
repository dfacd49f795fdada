"""Names of markets: `BTC/USDT`, in URLs `BTC-USDT`, and `binance:BTC/USDT` as message key."""

from __future__ import annotations

import re

from marketstream.errors import SettingsError

_SYMBOL = re.compile(r"[A-Z0-9]{1,20}/[A-Z0-9]{1,20}")


def parse_symbol(text: str) -> str:
    """Return `text` as a unified symbol; accepts `btc/usdt` and `BTC-USDT` too."""
    symbol = text.strip().upper().replace("-", "/")
    if not _SYMBOL.fullmatch(symbol):
        raise SettingsError(f"{text!r} is not a symbol: write it like BTC/USDT")
    return symbol


def url_symbol(symbol: str) -> str:
    """Return the form used in URLs, `BTC-USDT`."""
    return symbol.replace("/", "-")


def market_of(exchange: str, symbol: str) -> str:
    """Return the key of a market, `binance:BTC/USDT`."""
    return f"{exchange}:{symbol}"


def split_market(market: str) -> tuple[str, str]:
    """Return exchange and symbol of a market's key."""
    exchange, _, symbol = market.partition(":")
    return exchange, symbol
