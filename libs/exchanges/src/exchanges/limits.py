"""How often a server may be asked: what it says of it holds for all clients of a process."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache

_FIRST_WAIT_S, _MOST_WAIT_S = 0.25, 60.0  # where it is not said how long
_LONGEST_BAN_S = 3 * 86_400.0  # of Binance; whoever says more does not mean it
_FREE_SHARE = 0.8  # of what may be asked in a minute
_MINUTE_S = 60.0


class Limit:
    """When a server may be asked next; `clock` is in seconds and never goes back.

    Where more than 80 % of a minute's weight is used, requests are spread over the rest of it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._free_at_s = 0.0
        self._refusals = 0
        self._refused_at_s = -math.inf

    def wait_s(self) -> float:
        """Return for how long nothing may be asked."""
        return max(0.0, self._free_at_s - self._clock())

    def asked(self, interval_s: float) -> float:
        """Note a request, after which the next one may follow so much later; return its time."""
        self._wait(interval_s)
        return self._clock()

    def refused(self, retry_after: str | None, asked_s: float) -> None:
        """Note a refusal, and its Retry-After: seconds or a date, None where there is none.

        Of requests on their way at once, as their times tell, one makes the next wait longer.
        """
        told_s = seconds_of(retry_after)
        if asked_s > self._refused_at_s:
            self._refusals += 1
            self._refused_at_s = self._clock()
        least_s = min(_FIRST_WAIT_S * 2.0 ** min(self._refusals - 1, 16), _MOST_WAIT_S)
        self._wait(max(told_s, least_s))

    def answered(self, headers: Mapping[str, str], weight_header: str, most: int) -> None:
        """Note an answer, and how much of what may be asked in a minute it says is used."""
        self._refusals = 0
        used = headers.get(weight_header, "") if weight_header else ""
        if used.isdecimal() and most > 0:
            over = min(1.0, int(used) / most) - _FREE_SHARE
            if over > 0:
                self._wait(_MINUTE_S * over / (1 - _FREE_SHARE))

    def _wait(self, wait_s: float) -> None:
        self._free_at_s = max(self._free_at_s, self._clock() + wait_s)


@cache
def limit_of(url: str) -> Limit:  # noqa: ARG001 - what the cache goes by
    """Return the one limit of the server at a URL."""
    return Limit()


def seconds_of(retry_after: str | None, otherwise: float = 0.0) -> float:
    """Return for how long a Retry-After header says to wait, `otherwise` where it says nothing.

    No longer than the longest ban there is.
    """
    if retry_after is None:
        return otherwise
    if retry_after.isdecimal():
        return min(float(retry_after), _LONGEST_BAN_S)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return otherwise
    wait_s = (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(0.0, wait_s), _LONGEST_BAN_S)
