"""How often a caller may ask: a bucket of requests each, which fills up again within a minute."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

_WINDOW_S = 60.0
_MOST_CALLERS = 50_000  # a minute; who asked first is forgotten first

type Header = tuple[bytes, bytes]


class Allowance(NamedTuple):
    """What is left of a caller's requests; `retry_after_s` is above 0 where one was too many."""

    limit: int
    remaining: int
    full_in_s: float
    retry_after_s: float

    def headers(self) -> list[Header]:
        """Return them as draft-ietf-httpapi-ratelimit-headers has them."""
        return [
            (b"ratelimit-policy", b'"minute";q=%d;w=%d' % (self.limit, _WINDOW_S)),
            (b"ratelimit", b'"minute";r=%d;t=%d' % (self.remaining, math.ceil(self.full_in_s))),
        ]


class RateLimit:
    """Lets each caller ask `per_minute` times a minute, all at once or spread out.

    A caller is kept as the one time at which the bucket is full again (the generic cell rate
    algorithm, ITU-T I.371), and forgotten once it is.
    """

    def __init__(self, per_minute: int, now_s: Callable[[], float]) -> None:
        self._limit = per_minute
        self._every_s = _WINDOW_S / per_minute
        self._now_s = now_s
        self._full_at_s: OrderedDict[str, float] = OrderedDict()

    def take(self, caller: str) -> Allowance:
        """Take one request of a caller's, where there is one left."""
        now_s = self._now_s()
        full_in_s = max(0.0, self._full_at_s.get(caller, now_s) - now_s)
        wait_s = full_in_s + self._every_s - _WINDOW_S
        if wait_s > self._every_s * 1e-6:  # sums of floats are not exact
            return Allowance(self._limit, 0, full_in_s, wait_s)
        full_in_s += self._every_s
        self._full_at_s[caller] = now_s + full_in_s
        self._full_at_s.move_to_end(caller)
        self._forget(now_s)
        remaining = max(0, self._limit - math.ceil(full_in_s / self._every_s - 1e-6))
        return Allowance(self._limit, remaining, full_in_s, 0.0)

    def _forget(self, now_s: float) -> None:
        """Drop who asked first while their bucket is full, or where there are too many."""
        while self._full_at_s:
            first = next(iter(self._full_at_s.values()))
            if first > now_s and len(self._full_at_s) <= _MOST_CALLERS:
                return
            self._full_at_s.popitem(last=False)
