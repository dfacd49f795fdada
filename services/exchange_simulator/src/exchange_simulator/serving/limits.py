"""How much one address may ask for: events in any window, and request weight in each."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

_BAN_S = 120.0
_LONGEST_BAN_S = 3 * 86_400.0
_PATIENCE = 10  # requests sent on after the first 429 until the address is banned


class SlidingWindow:
    """At most `limit` events in any `window_s` seconds."""

    def __init__(self, limit: int, window_s: float) -> None:
        self._window_s = window_s
        self._times: deque[float] = deque(maxlen=limit)

    def allows(self, now_s: float) -> bool:
        """Note an event and return whether it is within the limit."""
        full = len(self._times) == self._times.maxlen
        allowed = not full or self._times[0] <= now_s - self._window_s
        if allowed:
            self._times.append(now_s)
        return allowed


class Refusal(NamedTuple):
    """Why a request is not answered: HTTP status, seconds to wait, and the end of a ban."""

    status: int
    retry_after_s: int
    banned_until_s: float | None


class WeightLimit:
    """The request weight of one address: `limit` in each `window_s`, then 429, then a ban with 418.

    Where it `bans`, a ban follows ten requests that did not heed the 429; it lasts two minutes, and
    each further one twice as long as the last, up to three days. `now_s` is Unix time.
    """

    def __init__(self, limit: int = 6_000, window_s: int = 60, *, bans: bool = True) -> None:
        self.limit = limit
        self.used = 0
        self._window_s = window_s
        self._bans = bans
        self._window = 0
        self._refused = 0
        self._ban_s = _BAN_S
        self._banned_until_s = 0.0

    def charge(self, weight: int, now_s: float) -> Refusal | None:
        """Count a request; return the refusal where it is over the limit."""
        window = int(now_s // self._window_s)
        if window != self._window:
            self._window, self.used, self._refused = window, 0, 0
        if now_s < self._banned_until_s:
            return self._banned(now_s)
        self.used += weight
        if self.used <= self.limit:
            return None
        self._refused += 1
        if self._bans and self._refused > _PATIENCE:
            self._banned_until_s = now_s + self._ban_s
            self._ban_s = min(2 * self._ban_s, _LONGEST_BAN_S)
            return self._banned(now_s)
        return Refusal(429, max(1, round(self._window_s - now_s % self._window_s)), None)

    def _banned(self, now_s: float) -> Refusal:
        left_s = max(1, round(self._banned_until_s - now_s))
        return Refusal(418, left_s, self._banned_until_s)
