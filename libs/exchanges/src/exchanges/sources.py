"""Whom the trades of a market come from: a venue, or a server that speaks as one does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from exchanges.catalogue import venue_named, venues
from exchanges.client import RestClient
from exchanges.venue import Stream, Venue
from marketstream.errors import SettingsError
from marketstream.symbols import market_of, split_market


@dataclass(frozen=True, slots=True)
class Source:
    """Some symbols of whoever is called `name`, speaks as `venue` and listens at these URLs."""

    name: str
    venue: Venue
    ws_url: str
    rest_url: str
    symbols: tuple[str, ...]

    @property
    def markets(self) -> tuple[str, ...]:
        """The keys of the markets."""
        return tuple(market_of(self.name, symbol) for symbol in self.symbols)

    @property
    def has_past(self) -> bool:
        """Whether trades of the past can be asked for."""
        return self.venue.past != "none"

    def stream(self) -> Stream:
        """Return what its markets say."""
        return self.venue.stream(self.symbols, self.name)

    def client(self) -> RestClient:
        """Return a client of its REST API."""
        return RestClient(self.venue, self.rest_url)


def sources_of(
    markets: Iterable[str], exchange: str, ws_url: str | None, rest_url: str | None
) -> list[Source]:
    """Return whom these markets come from, each once.

    The URLs, None where they are not set, are those of `exchange` and of whoever is no venue: such
    a simulator speaks as that exchange does. Raises SettingsError where one of these has no URL.
    """
    symbols: defaultdict[str, list[str]] = defaultdict(list)
    for market in dict.fromkeys(markets):
        name, symbol = split_market(market)
        symbols[name].append(symbol)
    return [
        _source(name, tuple(some), exchange, ws_url, rest_url) for name, some in symbols.items()
    ]


def _source(
    name: str, symbols: tuple[str, ...], exchange: str, ws_url: str | None, rest_url: str | None
) -> Source:
    is_venue = name in venues()
    venue = venue_named(name if is_venue else exchange)
    if is_venue and name != exchange:
        ws_url = rest_url = None
    if not is_venue and (ws_url is None or rest_url is None):
        raise SettingsError(
            f"{name!r} is not an exchange we know, and nothing says where it is: choose one of "
            f"{', '.join(venues())}, or set EXCHANGE_WS_URL and EXCHANGE_REST_URL"
        )
    return Source(
        name,
        venue,
        venue.ws_url if ws_url is None else ws_url,
        venue.rest_url if rest_url is None else rest_url,
        symbols,
    )
