"""Whom the trades of a market come from: a venue, or a server that speaks as one does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from exchanges.catalogue import venue_named, venues
from exchanges.client import RestClient
from exchanges.contracts import InBaseUnits
from exchanges.venue import Stream, Venue
from marketstream.errors import SettingsError
from marketstream.symbols import market_of, split_market


@dataclass(frozen=True, slots=True)
class Source:
    """Some symbols of whoever is called `name`, speaks as `venue` and listens at these URLs.

    `ws_url` is empty where only REST was told of.
    """

    name: str
    venue: Venue
    ws_url: str
    rest_url: str
    symbols: tuple[str, ...]
    contract_sizes: dict[str, Fraction] = field(default_factory=dict, compare=False)
    """What a contract is worth by symbol, as far as a client has asked for it."""

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
        stream = self.venue.stream(self.symbols, self.name)
        return InBaseUnits(stream, self.contract_sizes) if self.venue.in_contracts else stream

    def client(self, *, timeout_s: float = 10.0, patience_s: float = 60.0) -> RestClient:
        """Return a client of its REST API, which waits so long for an answer, or to be let in."""
        return RestClient(
            self.venue, self.rest_url, timeout_s=timeout_s, patience_s=patience_s,
            contract_sizes=self.contract_sizes,
        )  # fmt: skip


def sources_of(
    markets: Iterable[str], exchange: str, *, ws_url: str | None, rest_url: str | None
) -> list[Source]:
    """Return who is to be followed for these markets, each once.

    The URLs are those of `exchange`, None for its own, and of whoever is no venue: such a simulator
    speaks as `exchange` does. Raises SettingsError where nothing says where one of these is.
    """
    symbols: defaultdict[str, list[str]] = defaultdict(list)
    for market in dict.fromkeys(markets):
        name, symbol = split_market(market)
        symbols[name].append(symbol)
    sources = []
    for name, some in symbols.items():
        if name in venues() and name != exchange:
            venue = venue_named(name)
            source = Source(name, venue, venue.ws_url, venue.rest_url, tuple(some))
        else:
            source = _told(name, venue_named(exchange), ws_url, rest_url, tuple(some))
        sources.append(source)
    return sources


def _told(
    name: str, venue: Venue, ws_url: str | None, rest_url: str | None, symbols: tuple[str, ...]
) -> Source:
    if name == venue.name:
        ws_url = venue.ws_url if ws_url is None else ws_url
        rest_url = venue.rest_url if rest_url is None else rest_url
    if rest_url is None:
        raise SettingsError(
            f"{name!r} is not an exchange we know, and nothing says where it is: choose one of "
            f"{', '.join(venues())}, or set EXCHANGE_WS_URL and EXCHANGE_REST_URL"
        )
    return Source(name, venue, "" if ws_url is None else ws_url, rest_url, symbols)
