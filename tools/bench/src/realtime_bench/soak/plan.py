"""Which faults come, in which order and for how long, from a seed."""

from __future__ import annotations

import random
from typing import NamedTuple

from realtime_bench.soak.corruptions import KILLS, KINDS

_SHORTEST_S, _LONGEST_S = 1.0, 6.0


class Planned(NamedTuple):
    """A fault to come, and how long it lasts."""

    kind: str
    seconds: float


def plan(seed: int, count: int, kinds: tuple[str, ...] = ()) -> list[Planned]:
    """Return `count` faults; every kind comes as often as any other, give or take one."""
    draw = random.Random(seed)  # noqa: S311 - chooses faults, not secrets
    chosen = list(kinds or KINDS)
    planned: list[Planned] = []
    while len(planned) < count:
        for kind in draw.sample(chosen, len(chosen)):
            seconds = 0.0 if kind in KILLS else draw.uniform(_SHORTEST_S, _LONGEST_S)
            planned.append(Planned(kind, round(seconds, 2)))
    return planned[:count]
