"""How symbols of perpetuals are spelt."""

from __future__ import annotations

from exchanges.binance import wire
from marketstream.errors import SettingsError


def wire_symbol(symbol: str) -> str:
    """Return `BTCUSDT` for `BTC/USDT:USDT`; raises SettingsError where it is no perpetual."""
    pair, _, settled_in = symbol.partition(":")
    quote = pair.partition("/")[2]
    if not settled_in or settled_in != quote:
        raise SettingsError(
            f"{symbol} is no perpetual of binance-usdm, which are settled in what they are quoted "
            f"in: write it like {pair}:{quote}"
        )
    return wire.wire_symbol(pair)
