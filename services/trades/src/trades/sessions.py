"""A session for each market: tick and lot from the exchange, what takes time in market time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from loguru import logger

from exchanges.client import RestClient, fetch_market_infos
from exchanges.sources import Source
from exchanges.venue import MarketInfo
from marketstream.errors import NetworkError
from marketstream.messages import Gap, Stall, Trades
from trades.session.market import MarketSession
from trades.session.rules import Rules

type Publish = Callable[[Trades | Gap | Stall, int], None]
"""Takes a message and when (ns) it was received, 0 for the past."""

_LONGEST_HEARTBEAT_MS = 250
_UNKNOWN = MarketInfo(price_decimals=0, quantity_decimals=0)  # candles take what they see


async def make_sessions(
    source: Source,
    client: RestClient,
    publish: Publish,
    *,
    base_ms: int,
    grace_ms: int,
    hold_s: float,
    speed: float,
    levels: int = 0,
    depth_every_ms: int = 100,
    context: bool = False,
) -> dict[str, MarketSession]:
    """Return the sessions of a source's markets; tick and lot are seen where they can't be asked.

    `base_ms` is the length of the finest candles. What delays a frame is real time, which weighs
    more in a market that runs faster than life: patience is as many times longer.
    """
    told = source.venue.context if context else None
    infos = {}
    try:
        infos = await fetch_market_infos(client, source.symbols)
    except NetworkError as error:
        logger.warning("Tick and lot not known, taken from the trades", reason=str(error))
    sessions = {}
    for market, symbol in zip(source.markets, source.symbols, strict=True):
        info = infos.get(symbol, _UNKNOWN)
        rules = Rules(
            base_ms=base_ms,
            grace_ms=grace_ms,
            price_decimals=info.price_decimals,
            quantity_decimals=info.quantity_decimals,
            hold_s=hold_s,
            page_trades=source.venue.page_trades,
            asks=source.has_past and source.venue.ids == "contiguous",
            ids=source.venue.ids,
            past=source.venue.past,
            pages_by_trade=source.venue.counts_back,
            past_trades=source.venue.past_trades,
            silence=source.venue.silence,
            past_resolution_ms=source.venue.past_resolution_ms,
            speed=max(1.0, speed),
            levels=levels,
            depth_every_ms=depth_every_ms,
            context=told is not None,
            context_apart=told is not None and told.apart is not None,
            new_book=partial(source.venue.new_book, levels, infos.get(symbol)),
        )
        sessions[market] = MarketSession(market, in_ns(publish), rules)
    return sessions


def in_ns(publish: Publish) -> Callable[[Trades | Gap | Stall, int], None]:
    """Return what publishes a message whose receive time is given in µs."""

    def publish_us(message: Trades | Gap | Stall, received_us: int) -> None:
        publish(message, received_us * 1_000)

    return publish_us


def heartbeat_s(base_ms: int, speed: float = 1.0) -> float:
    """Return how often, in real time, to say how far time is seen."""
    return min(base_ms, _LONGEST_HEARTBEAT_MS) / 1_000 / max(1.0, speed)
