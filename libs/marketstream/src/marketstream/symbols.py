"""Names of markets: `BTC/USDT`, in URLs `BTC-USDT`, and `binance:BTC/USDT` as message key.

A perpetual says what it is settled in, as ccxt writes it: `BTC/USDT:USDT`, in URLs `BTC-USDT-USDT`.
Letters and digits may be those of any alphabet, since exchanges list such coins.
"""

from __future__ import annotations

import re

from marketstream.errors import SettingsError

_ASSET = r"[^\W_]{1,20}"
_SYMBOL = re.compile(rf"{_ASSET}/{_ASSET}(?::{_ASSET})?")
_EXCHANGE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_IN_URL = re.compile(rf"({_ASSET})-({_ASSET})(?:-({_ASSET}))?")
_NO_ASSETS = re.compile(r"SWAP|PERP|PERPETUAL|FUTURES?|\d+[CP]?|[CP]")  # parts of contracts' names


def parse_symbol(text: str) -> str:
    """Return `text` as a unified symbol; accepts `btc/usdt`, `BTC-USDT` and `BTC-USDT-USDT` too."""
    symbol = text.strip().upper()
    in_url = _IN_URL.fullmatch(symbol)
    if in_url is not None:
        base, quote, settled_in = in_url.groups()
        symbol = f"{base}/{quote}" if settled_in is None else f"{base}/{quote}:{settled_in}"
        if settled_in is not None and _NO_ASSETS.fullmatch(settled_in):
            symbol = ""  # a venue's own name of a contract: what it is settled in is not in it
    if not _SYMBOL.fullmatch(symbol):
        raise SettingsError(
            f"{text!r} is not a symbol: write it like BTC/USDT, a perpetual like BTC/USDT:USDT"
        )
    return symbol


def listed_symbol(text: str) -> str:
    """Return a symbol of a file: unified where it can be, else as the file lists it."""
    try:
        return parse_symbol(text)
    except SettingsError:
        listed = text.strip()
        if not listed:
            raise
        return listed


def plain_symbol(symbol: str) -> str:
    """Return the letters and digits of a symbol: `BTCUSDT` for `BTC/USDT` and `btc_usdt`."""
    return re.sub(r"[\W_]", "", symbol.upper()) or symbol.strip()


def url_symbol(symbol: str) -> str:
    """Return the form used in URLs and names of files, `BTC-USDT`, which `parse_symbol` reads."""
    return symbol.replace("/", "-").replace(":", "-")


def market_of(exchange: str, symbol: str) -> str:
    """Return the key of a market, `binance:BTC/USDT`."""
    return f"{exchange}:{symbol}"


def parse_market(text: str) -> str:
    """Return the key of a market written like `kraken:BTC/USD` or `kraken:btc-usd`."""
    exchange, colon, symbol = text.strip().partition(":")
    exchange = exchange.lower()
    if not (colon and _EXCHANGE.fullmatch(exchange)):
        raise SettingsError(f"{text!r} is not a market: write it like binance:BTC/USDT")
    return market_of(exchange, parse_symbol(symbol))


def split_market(market: str) -> tuple[str, str]:
    """Return exchange and symbol of a market's key."""
    exchange, _, symbol = market.partition(":")
    return exchange, symbol
