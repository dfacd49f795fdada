"""Which markets `realtime simulate` was asked for, and which of its venues leads the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from marketstream.errors import SettingsError
from marketstream.symbols import split_market
from marketstream.timeframes import duration_ms
from realtime_training.commands.simulate.work import USUAL_VENUE, MarketChoice

_SYMBOLS = ("BTC/USDT", "ETH/USDT")


def symbols_on(venue: str, symbols: Sequence[str] = _SYMBOLS) -> tuple[str, ...]:
    """Return spot symbols as a venue trades them: as perpetuals where it has no spot.

    Raises SettingsError where the venue is not simulated.
    """
    from exchange_simulator.venues import server_of

    server = server_of(venue)
    try:
        server.wire_symbol(symbols[0])
    except SettingsError:
        return tuple(f"{symbol}:USDT" for symbol in symbols)
    return tuple(symbols)


def chosen_markets(
    markets: Sequence[str], venue: str | None, symbols: Sequence[str], usual: MarketChoice
) -> list[MarketChoice]:
    """Return the choice of each venue, made like `usual`.

    Raises SettingsError where options contradict each other, or a venue is not simulated.
    """
    from exchange_simulator.venues import server_of

    if markets and (venue or symbols):
        raise SettingsError("--market says venue and symbol: leave out --venue and --symbol")
    by_venue: defaultdict[str, list[str]] = defaultdict(list)
    for market in markets:
        name, symbol = split_market(market)
        by_venue[name].append(symbol)
    if not markets:
        name = venue or USUAL_VENUE
        server_of(name)
        by_venue[name] += symbols or symbols_on(name)
    for name, some in by_venue.items():
        for symbol in some:
            server_of(name).wire_symbol(symbol)
    return [
        replace(usual, venue=name, symbols=tuple(dict.fromkeys(some)))
        for name, some in by_venue.items()
    ]


def lagging(choices: Sequence[MarketChoice], lead: str | None) -> list[MarketChoice]:
    """Return the choices with all but the leader late: `binance-usdm:200ms` says who, and by what.

    Raises SettingsError where that cannot be read, or is none of them.
    """
    if lead is None:
        return list(choices)
    leader, _, lag = lead.partition(":")
    try:
        lag_ms = duration_ms(lag)
    except SettingsError as error:
        raise SettingsError(f"--lead {lead!r}: write a venue and a lag, binance:200ms") from error
    venues = [choice.venue for choice in choices]
    if leader not in venues or len(venues) < 2:
        raise SettingsError(
            f"--lead {lead!r}: {leader} leads nobody here, there are markets of "
            f"{', '.join(venues)}: add --market of it and of another venue"
        )
    if any(choice.recordings for choice in choices):
        raise SettingsError("--lead: recordings lead or lag as they did; leave out --recording")
    return [
        choice if choice.venue == leader else replace(choice, lag_ms=lag_ms) for choice in choices
    ]
