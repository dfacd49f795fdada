"""Whom the trades of a market come from: a venue, or a server that speaks as one does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from exchanges.catalogue import venue_named, venues
from exchanges.client import RestClient
from exchanges.contracts import InBaseUnits
from exchanges.venue import Host, Stream, Venue
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

    @property
    def other_hosts(self) -> tuple[Host, ...]:
        """Where it can be had too, if it is where the venue says and nobody said otherwise."""
        own = self.venue.ws_url, self.venue.rest_url
        return self.venue.other_hosts if (self.ws_url, self.rest_url) == own else ()

    def stream(self, *, levels: int = 0, context: bool = False) -> Stream:
        """Return what its markets say, and so many levels of their books at least.

        With `context` it reads what the venue says of perpetuals, where it does.
        """
        told = self.venue.context if context else None
        make = self.venue.stream if told is None else told.stream
        return self._in_base_units(make(self.symbols, self.name, levels=levels))

    def stream_apart(self) -> Stream | None:
        """Return what is said of perpetuals on a connection of its own; None where none is."""
        told = self.venue.context
        if told is None or told.apart is None:
            return None
        return self._in_base_units(told.apart(self.symbols, self.name))

    def _in_base_units(self, stream: Stream) -> Stream:
        return InBaseUnits(stream, self.contract_sizes) if self.venue.in_contracts else stream

    def client(self, *, timeout_s: float = 10.0, patience_s: float = 60.0) -> RestClient:
        """Return a client of its REST API, which waits so long for an answer, or to be let in."""
        return RestClient(
            self.venue, self.rest_url, timeout_s=timeout_s, patience_s=patience_s,
            contract_sizes=self.contract_sizes,
            other_urls=[host.rest_url for host in self.other_hosts],
        )  # fmt: skip


class Place(NamedTuple):
    """Who speaks as a venue, and where: None for the venue's own addresses."""

    venue: str
    ws_url: str | None = None
    rest_url: str | None = None


def sources_of(
    markets: Iterable[str], usual: Place, places: Mapping[str, Place] | None = None
) -> list[Source]:
    """Return who is to be followed for these markets, a source for each connection that it takes.

    `places` says by name where somebody is; `usual` where its venue is, and whoever is no venue and
    not among them. Raises SettingsError where nothing says where one of these is.
    """
    symbols: defaultdict[str, list[str]] = defaultdict(list)
    for market in dict.fromkeys(markets):
        name, symbol = split_market(market)
        symbols[name].append(symbol)
    sources = []
    for name, some in symbols.items():
        venue, ws_url, rest_url = _where(name, usual, places or {})
        most = venue.most_symbols
        sources += [
            Source(name, venue, ws_url, rest_url, tuple(some[start : start + most]))
            for start in range(0, len(some), most)
        ]
    return sources


def _where(name: str, usual: Place, places: Mapping[str, Place]) -> tuple[Venue, str, str]:
    """Return the venue that somebody speaks as, and the URLs: of WebSocket and of REST."""
    is_venue = name in venues()
    if name in places:
        place = places[name]
        spoken = place.venue or (name if is_venue else usual.venue)
    else:
        place = Place(name) if is_venue and name != usual.venue else usual
        spoken = place.venue
    venue = venue_named(spoken)
    ws_url, rest_url = place.ws_url, place.rest_url
    if name == venue.name:
        ws_url = venue.ws_url if ws_url is None else ws_url
        rest_url = venue.rest_url if rest_url is None else rest_url
    if rest_url is None:
        raise SettingsError(
            f"{name!r} is not an exchange we know, and nothing says where it is: choose one of "
            f"{', '.join(venues())}, or say in EXCHANGE_HOSTS where it listens"
        )
    return venue, "" if ws_url is None else ws_url, rest_url
