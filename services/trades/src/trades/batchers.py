"""A batcher for each market: tick and lot from the exchange, the grace in market time."""

from __future__ import annotations

from loguru import logger

from exchanges.client import fetch_market_infos
from exchanges.sources import Source
from exchanges.venue import MarketInfo
from marketstream.errors import NetworkError
from trades.batching import TradesBatcher

_LONGEST_HEARTBEAT_MS = 250
_UNKNOWN = MarketInfo(price_decimals=0, quantity_decimals=0)  # candles take what they see


async def make_batchers(
    source: Source, *, base_ms: int, grace_ms: int, speed: float = 1.0
) -> dict[str, TradesBatcher]:
    """Return the batchers of a source's markets; tick and lot are seen where they cannot be asked.

    `base_ms` is the length of the finest candles. What delays a frame is real time, which weighs
    more in a market that runs faster than life: the grace is as many times longer.
    """
    infos = {}
    try:
        async with source.client() as client:
            infos = await fetch_market_infos(client, source.symbols)
    except NetworkError as error:
        logger.warning("Tick and lot not known, taken from the trades", reason=str(error))
    batchers = {}
    for market, symbol in zip(source.markets, source.symbols, strict=True):
        info = infos.get(symbol, _UNKNOWN)
        batchers[market] = TradesBatcher(
            market,
            price_decimals=info.price_decimals,
            quantity_decimals=info.quantity_decimals,
            finest_ms=base_ms,
            grace_ms=round(grace_ms * max(1.0, speed)),
        )
    return batchers


def heartbeat_s(base_ms: int, speed: float = 1.0) -> float:
    """Return how often, in real time, to say how far time is seen."""
    return min(base_ms, _LONGEST_HEARTBEAT_MS) / 1_000 / max(1.0, speed)
