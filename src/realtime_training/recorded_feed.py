"""Recorded frames into a runner, the way that live ones go."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path

from exchanges.catalogue import venue_named
from exchanges.contracts import InBaseUnits
from exchanges.venue import Stream
from marketstream.errors import InputError
from marketstream.messages import Message
from marketstream.recordings import header_of, read_frames
from marketstream.runners import plausible
from marketstream.runners.in_process import InProcessRunner
from marketstream.symbols import split_market
from marketstream.timeframes import timeframe_ms
from trades.intake import Counts
from trades.replay import Recording, replay_frames, replay_together
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

    Raises BadMessage for what cannot be, such as a trade of 2090.
    """
    name, symbol = split_market(market)
    return replay_frames(
        read_frames(files, advanced),
        stream_of(
            settings.exchange, symbol, name, files, settings.levels, context=settings.context
        ),
        {market: _session(market, settings.exchange, base, settings, runner)},
        runner.publish,
        frames_per_read=frames_per_read,
    )


def feed_together(
    files: Mapping[str, Sequence[Path]],
    base: str,
    settings: TradesSettings,
    runner: InProcessRunner,
    *,
    advanced: Callable[[int], None] | None = None,
    frames_per_read: int = FRAMES_PER_READ,
) -> dict[str, Counts]:
    """Publish what files say of several markets, each of its own venue, as they were received.

    Raises InputError where those of more than one hold no receive times, SettingsError for a venue
    nobody knows, and BadMessage for what cannot be, such as a trade of 2090.
    """
    recordings = []
    for market, paths in files.items():
        name, symbol = split_market(market)
        recordings.append(
            Recording(
                read_frames(paths, advanced),
                stream_of(name, symbol, name, paths, settings.levels, context=settings.context),
                {market: _session(market, name, base, settings, runner)},
            )
        )
    if len(recordings) == 1:
        alone = replay_frames(*recordings[0], runner.publish, frames_per_read=frames_per_read)
        return dict.fromkeys(files, alone)
    counts = replay_together(recordings, runner.publish, frames_per_read=frames_per_read)
    return dict(zip(files, counts, strict=True))


def stream_of(
    venue_name: str,
    symbol: str,
    name: str,
    files: Sequence[Path],
    levels: int = 0,
    *,
    context: bool = False,
) -> Stream:
    """Return what reads the files; raises InputError where they do not say all of a quantity."""
    venue = venue_named(venue_name)
    told = venue.context if context else None
    make = venue.stream if told is None else told.stream
    stream = make([symbol], name, levels=levels)
    if not venue.in_contracts:
        return stream
    headers = [header_of(path) for path in files]
    sizes = {header.contract_sizes.get(symbol) for header in headers if header is not None}
    if None in headers or None in sizes or len(sizes) != 1:
        raise InputError(
            f"{', '.join(map(str, files))}: {venue.name} counts in contracts, and these files do "
            f"not say what one of {symbol} is worth: take those that realtime record makes, or "
            "realtime history"
        )
    return InBaseUnits(stream, {symbol: Fraction(str(sizes.pop()))})


def _session(
    market: str, venue_name: str, base: str, settings: TradesSettings, runner: InProcessRunner
) -> MarketSession:
    venue = venue_named(venue_name)
    rules = Rules(
        base_ms=timeframe_ms(base),
        grace_ms=settings.grace_ms,
        price_decimals=0,  # no exchange to ask: candles take the decimals they see
        quantity_decimals=0,
        ids=venue.ids,
        levels=settings.levels,
        depth_every_ms=settings.depth_every_ms,
        context=settings.context,
        new_book=partial(venue.new_book, settings.levels, None),
    )
    now_us = time.time_ns() // 1_000

    def publish(message: Message, received_ns: int) -> None:
        plausible.check(message, now_us)
        runner.publish(message, received_ns)

    return MarketSession(market, in_ns(publish), rules)
