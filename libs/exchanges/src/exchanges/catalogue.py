"""The venues there are: every package of this library that has a `VENUE`, found by itself."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

import exchanges
from exchanges.venue import Venue
from marketstream.errors import SettingsError


@cache
def venues() -> Mapping[str, Venue]:
    """Return all venues by name; a package whose name begins with `_` is none."""
    names = sorted(
        module.name
        for module in pkgutil.iter_modules(exchanges.__path__)
        if module.ispkg and not module.name.startswith("_")
    )
    found = [importlib.import_module(f"exchanges.{name}").VENUE for name in names]
    return {venue.name: venue for venue in found}


def venue_named(name: str) -> Venue:
    """Return the venue of a name; raises SettingsError that lists those there are."""
    venue = venues().get(name)
    if venue is None:
        raise SettingsError(f"{name!r} is not an exchange we know: choose {', '.join(venues())}")
    return venue
