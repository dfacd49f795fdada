"""A batcher for each market: tick and lot from the exchange, the grace in market time."""

from __future__ import annotations

from loguru import logger

from marketstream.errors import NetworkError
from marketstream.symbols import split_market
from marketstream.timeframes import timeframe_ms
from realtime_training.exchange import Exchange
from realtime_training.pipeline import Plan
from trades.batching import TradesBatcher
from trades.exchanges.binance_rest import MarketInfo
from trades.rest import RestClient, fetch_market_infos
from trades.settings import TradesSettings

_LONGEST_HEARTBEAT_MS = 250
_UNKNOWN = MarketInfo(price_decimals=0, quantity_decimals=0)  # candles take what they see


async def make_batchers(
    plan: Plan, exchange: Exchange, settings: TradesSettings, speed: float
) -> dict[str, TradesBatcher]:
    """Return the batchers of a plan's markets; tick and lot are seen where they cannot be asked.

    What delays a frame is real time, which weighs more in a market that runs faster than life: the
    grace is as many times longer.
    """
    infos = {}
    try:
        async with RestClient(exchange.rest_url) as client:
            infos = await fetch_market_infos(client, exchange.symbols)
    except NetworkError as error:
        logger.warning("Tick and lot not known, taken from the trades", reason=str(error))
    batchers = {}
    for market in plan.markets:
        info = infos.get(split_market(market)[1], _UNKNOWN)
        batchers[market] = TradesBatcher(
            market,
            price_decimals=info.price_decimals,
            quantity_decimals=info.quantity_decimals,
            finest_ms=timeframe_ms(plan.base),
            grace_ms=round(settings.grace_ms * max(1.0, speed)),
        )
    return batchers


def heartbeat_s(plan: Plan, speed: float) -> float:
    """Return how often, in real time, to say how far time is seen."""
    return min(timeframe_ms(plan.base), _LONGEST_HEARTBEAT_MS) / 1_000 / max(1.0, speed)
