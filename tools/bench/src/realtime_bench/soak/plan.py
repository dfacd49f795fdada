"""Which faults come, to whom, in which order and for how long, from a seed."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from realtime_bench.soak.kinds import (
    ANSWERS,
    CLOCKS,
    CONNECTIONS,
    KILLS,
    KINDS,
    OF_A_MARKET,
    REFUSALS,
    SKEWED,
)

_SHORTEST_S, _LONGEST_S = 1.0, 5.0
PLAIN = "cut"  # what makes a client connect and ask again
_CLOCKS_OFF_S = (0.5, -0.5, 3.0, -3.0, 30.0, -30.0, 300.0, -300.0)
_OVERLAP = 0.25  # how often the next fault does not wait until all is well again


class Storm(NamedTuple):
    """A fault of the connection and what else goes wrong meanwhile."""

    carrier: str
    companions: tuple[str, ...]
    seconds: float
    overlaps: bool


class Kill(NamedTuple):
    """A kill -9 and a new start, whose clock may be off."""

    kind: str
    clock_off_s: float


class OfMarket(NamedTuple):
    """A fault of one market."""

    kind: str
    symbol: str
    seconds: float


class Plan(NamedTuple):
    """What comes one after another to the connection, and meanwhile to each market."""

    connection: Sequence[Storm | Kill]
    markets: Mapping[str, Sequence[OfMarket]]

    @property
    def items(self) -> int:
        """How many items there are."""
        return len(self.connection) + sum(map(len, self.markets.values()))


def plan(
    seed: int, symbols: Sequence[str], times: int, kinds: Collection[str] = frozenset(KINDS)
) -> Plan:
    """Return a course in which each of the kinds comes `times` times or more."""
    draw = random.Random(seed)  # noqa: S311 - chooses faults, not secrets

    def deck(of: Collection[str]) -> list[str]:
        chosen = [kind for kind in of if kind in kinds]
        return [kind for _ in range(times) for kind in draw.sample(chosen, len(chosen))]

    storms = _storms(draw, deck(CONNECTIONS), [deck(of) for of in (REFUSALS, ANSWERS, CLOCKS)])
    kills = _kills(draw, deck(KILLS), deck([SKEWED]))
    # Memory is looked at over the first half, in which nothing is started anew.
    half = len(storms) // 2
    later: list[Storm | Kill] = [*storms[half:], *kills]
    connection: list[Storm | Kill] = [*storms[:half], *draw.sample(later, len(later))]
    return Plan(connection, _of_markets(draw, symbols, deck(OF_A_MARKET)))


def _seconds(draw: random.Random) -> float:
    return round(draw.uniform(_SHORTEST_S, _LONGEST_S), 2)


def _storms(
    draw: random.Random, carriers: list[str], companions: Sequence[list[str]]
) -> list[Storm]:
    count = max(len(carriers), *map(len, companions))
    carriers += [PLAIN] * (count - len(carriers))
    beside: list[list[str]] = [[] for _ in range(count)]
    for kinds in companions:
        for place, kind in zip(draw.sample(range(count), len(kinds)), kinds, strict=True):
            beside[place].append(kind)
    return [
        Storm(carrier, tuple(also), _seconds(draw), draw.random() < _OVERLAP)
        for carrier, also in zip(carriers, beside, strict=True)
    ]


def _kills(draw: random.Random, kinds: list[str], skewed: list[str]) -> list[Kill]:
    kinds += ["kill"] * (len(skewed) - len(kinds))
    off_s = [_CLOCKS_OFF_S[place % len(_CLOCKS_OFF_S)] for place in range(len(skewed))]
    off_s += [0.0] * (len(kinds) - len(skewed))
    return [
        Kill(kind, clock_off_s)
        for kind, clock_off_s in zip(kinds, draw.sample(off_s, len(off_s)), strict=True)
    ]


def _of_markets(
    draw: random.Random, symbols: Sequence[str], kinds: list[str]
) -> dict[str, list[OfMarket]]:
    markets: dict[str, list[OfMarket]] = {symbol: [] for symbol in symbols}
    first = draw.randrange(len(symbols))
    for place, kind in enumerate(kinds):
        symbol = symbols[(first + place) % len(symbols)]
        markets[symbol].append(OfMarket(kind, symbol, _seconds(draw)))
    return markets
