"""The body of `/api/v3/exchangeInfo`: the markets with their tick and lot, and the limits.

That of perpetuals says what kind of contract each is: clients tell them from spot markets by that.
https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/Exchange-Information
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from exchange_simulator.serving.decimals import decimal_text
from exchange_simulator.serving.markets import Market

_SPOT: dict[str, object] = {
    "isSpotTradingAllowed": True,
    "isMarginTradingAllowed": False,
    "permissions": ["SPOT"],
}
_MOST_UNITS = 10**15  # prices and quantities have no bound here, but the filters have a maximum


def exchange_info(markets: Iterable[Market], server_time: int, weight_per_minute: int) -> bytes:
    """Return the body; `server_time` is in the unit the client asked for."""
    body = {
        "timezone": "UTC",
        "serverTime": server_time,
        "rateLimits": [
            {
                "rateLimitType": "REQUEST_WEIGHT",
                "interval": "MINUTE",
                "intervalNum": 1,
                "limit": weight_per_minute,
            }
        ],
        "exchangeFilters": [],
        "symbols": [_symbol(market) for market in markets],
    }
    return json.dumps(body, separators=(",", ":")).encode()


def _symbol(market: Market) -> dict[str, object]:
    pair, _, settled_in = market.tape.symbol.partition(":")
    base, _, quote = pair.partition("/")
    tick, most = (decimal_text(units, market.tape.price_decimals) for units in (1, _MOST_UNITS))
    step, largest = (
        decimal_text(units, market.tape.quantity_decimals) for units in (1, _MOST_UNITS)
    )
    kind = _perpetual(market.wire_symbol, settled_in) if settled_in else _SPOT
    return {
        "symbol": market.wire_symbol,
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": most, "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": step, "maxQty": largest, "stepSize": step},
        ],
        **kind,
    }


def _perpetual(wire_symbol: str, settled_in: str) -> dict[str, object]:
    return {"pair": wire_symbol, "contractType": "PERPETUAL", "marginAsset": settled_in}
