"""Which market a file without a column of symbols is of: as far as its name tells."""

from __future__ import annotations

import re

_QUOTES = (
    "USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USD", "EUR", "GBP", "JPY", "KRW", "TRY", "BRL", "DAI",
    "BTC", "ETH", "BNB",
)  # fmt: skip
_COINS = {
    "BTC", "ETH", "SOL", "XRP", "BNB", "ADA", "DOGE", "LTC", "DOT", "AVAX", "LINK", "TRX", "BCH",
    "XBT", "BITCOIN", "ETHEREUM", "SOLANA", "CARDANO", "LITECOIN", "DOGECOIN",
}  # fmt: skip
_VENUES = {"SPOT", "SWAP", "PERP", "BINANCE", "KRAKEN", "COINBASE", "BYBIT", "OKX", "TRADES"}
_SHORTEST, _LONGEST = 2, 12


def market_in_name(name: str) -> str | None:
    """Return the letters of the market that a file's name holds, `BTCUSDT`; None where none.

    `BTCUSDT-1m-2024.zip`, `BTC_USDT.csv` and `BTC.csv` do.
    """
    words = [word for word in re.split(r"[\W_]+", name) if word]
    for word, after in zip(words, [*words[1:], ""], strict=True):
        if after.upper() in _QUOTES and _is_base(word):
            return (word + after).upper()
        quote = next((quote for quote in _QUOTES if word.upper().endswith(quote)), "")
        if quote and _is_base(word[: -len(quote)]):
            return word.upper()
        if word.upper() in _COINS:
            return word.upper()
    return None


def _is_base(word: str) -> bool:
    """Say whether a word may name a coin: one that is known, or any in capitals."""
    if word.upper() in _COINS:
        return True
    fits = _SHORTEST <= len(word) <= _LONGEST and not word.isdecimal()
    return fits and word.isupper() and word not in _VENUES
