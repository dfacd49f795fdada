"""Recordings of other markets beside one's own, which one clock made: a group that looks at it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from marketstream.errors import SettingsError

_GROUP = "recordings"

type Beside = dict[str, list[Path]]
"""The files of each other market; the first is a market's first leader."""


def by_market(given: Iterable[tuple[str, Path]], market: str) -> Beside:
    """Return what --beside was given, by market; SettingsError where one is the market itself."""
    found: Beside = {}
    for other, file in given:
        found.setdefault(other, []).append(file)
    if market in found:
        raise SettingsError(f"{market} is the market of FILES: --beside takes those of others")
    return found


def together(market: str, others: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the group of a market and the others, none where there are none."""
    members = (market, *others)
    return {_GROUP: members} if len(members) > 1 else {}
