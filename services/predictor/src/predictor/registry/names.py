"""What models are called: in their registry, and until they are in it."""

from __future__ import annotations

from marketstream.symbols import split_market, url_symbol

UNREGISTERED = "unregistered-"  # a version begins with it until the registry gives one


def model_name(market: str, timeframe: str, horizon_ms: int) -> str:
    """Return what the registered model is called; MLflow takes neither colons nor slashes."""
    exchange, symbol = split_market(market)
    return f"{exchange}-{url_symbol(symbol)}-{timeframe}-{horizon_ms}ms"


def unregistered_version(trained_at_ms: int) -> str:
    """Return the version of a model that has none of the registry yet."""
    return f"{UNREGISTERED}{trained_at_ms}"
