"""ccxt and ccxt.pro, pointed at the simulated exchange."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import ccxt.pro

from exchange_simulator.server import RunningExchange

from .ledger import PATIENCE_S, SYMBOLS, Fill, exchange_of, ws_root

_CLASSES = {
    "binance": "binance",
    "binance-usdm": "binanceusdm",
    "bybit": "bybit",
    "bybit-linear": "bybit",
    "coinbase": "coinbaseexchange",
    "kraken": "kraken",
    "okx": "okx",
    "okx-swap": "okx",
}
# Each simulated exchange has one kind of market, so the client has to ask for that one alone.
_MARKETS = {
    "binance": ["spot"],
    "binance-usdm": ["linear"],
    "bybit": ["spot"],
    "bybit-linear": ["linear"],
    "okx": ["spot"],
    "okx-swap": ["swap"],
}


@asynccontextmanager
async def ccxt_of(venue: str) -> AsyncIterator[tuple[Any, str]]:
    """Run an exchange beside a client that has loaded its markets, and the symbol there is."""
    async with exchange_of(venue) as exchange:
        client: Any = getattr(ccxt.pro, _CLASSES[venue])(
            {"enableRateLimit": False, "timeout": PATIENCE_S * 1_000}
        )
        client.urls["api"] = _pointed(client.urls["api"], exchange)
        client.has["fetchCurrencies"] = False  # asks for what only accounts are told
        if venue in _MARKETS:
            client.options["fetchMarkets"] = {"types": _MARKETS[venue]}
        try:
            await client.load_markets()
            yield client, SYMBOLS[venue]
        finally:
            await client.close()


def contract_size(client: Any, symbol: str) -> float:
    """Return how many base units one unit of the client's quantities is."""
    return float(client.market(symbol)["contractSize"] or 1.0)


def fills_of(client: Any, trades: list[dict[str, Any]]) -> list[Fill]:
    """Return the client's trades, in base units."""
    return [
        Fill(
            one["id"],
            one["timestamp"],
            one["price"],
            one["amount"] * contract_size(client, one["symbol"]),
            one["side"],
        )
        for one in trades
    ]


def side_of(client: Any, symbol: str, levels: list[Any], most: int) -> list[tuple[float, float]]:
    """Return levels of the client's book, in base units."""
    size = contract_size(client, symbol)
    return [(level[0], level[1] * size) for level in levels[:most]]


def _pointed(urls: Any, exchange: RunningExchange) -> Any:
    if isinstance(urls, Mapping):
        return {name: _pointed(url, exchange) for name, url in urls.items()}
    return re.sub(
        r"^(https|wss)://[^/]+",
        lambda found: exchange.rest_url if found[1] == "https" else ws_root(exchange),
        urls,
    )
