"""Recorded frames of one market into a runner, the way that live ones go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from exchanges.catalogue import venue_named
from marketstream.errors import InputError
from marketstream.recordings import read_frames
from marketstream.runners.in_process import InProcessRunner
from marketstream.symbols import split_market
from marketstream.timeframes import timeframe_ms
from trades.intake import Counts
from trades.replay import replay_frames
from trades.session.market import MarketSession
from trades.session.rules import Rules
from trades.sessions import in_ns
from trades.settings import TradesSettings

FRAMES_PER_READ = 64


def feed_recording(
    files: Sequence[Path],
    market: str,
    base: str,
    settings: TradesSettings,
    runner: InProcessRunner,
    *,
    advanced: Callable[[int], None] | None = None,
    frames_per_read: int = FRAMES_PER_READ,
) -> Counts:
    """Publish what the files say of a market whose finest candles are `base`; return the counts.

    Raises InputError where quantities are in contracts: frames do not say what one is worth.
    """
    name, symbol = split_market(market)
    venue = venue_named(settings.exchange)
    if venue.in_contracts:
        raise InputError(
            f"{venue.name} counts in contracts, and a recording does not say what one is worth: "
            "fetch trades with realtime history instead"
        )
    rules = Rules(
        base_ms=timeframe_ms(base),
        grace_ms=settings.grace_ms,
        price_decimals=0,  # no exchange to ask: candles take the decimals they see
        quantity_decimals=0,
    )
    session = MarketSession(market, in_ns(runner.publish), rules)
    return replay_frames(
        read_frames(files, advanced),
        venue.stream([symbol], name),
        {market: session},
        runner.publish,
        frames_per_read=frames_per_read,
    )
