"""The venues' server sides, each a package of the venue's name, found by itself."""

from __future__ import annotations

import importlib
from importlib.util import find_spec

from exchange_simulator.serving.port import VenueServer
from exchanges.catalogue import venues
from marketstream.errors import SettingsError


def server_of(venue: str) -> type[VenueServer]:
    """Return how a venue serves; raises SettingsError for one that is not simulated."""
    if venue not in simulated():
        names = ", ".join(simulated())
        raise SettingsError(f"no simulated exchange speaks {venue!r}: choose one of {names}")
    server: type[VenueServer] = importlib.import_module(_package(venue)).SERVER
    return server


def simulated() -> tuple[str, ...]:
    """Return the venues of the catalogue that have a server side."""
    return tuple(venue for venue in venues() if find_spec(_package(venue)) is not None)


def _package(venue: str) -> str:
    return f"exchange_simulator.venues.{venue.replace('-', '_')}"
