"""Market time as a function of real time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from marketstream.errors import SettingsError


class MarketClock:
    """A clock that stands at `start_us` until started, and then runs `speed` times as fast as real.

    `now_ns` is the real, monotonic time. Raises SettingsError for a speed that is not above zero.
    """

    def __init__(
        self, start_us: int, speed: float = 1.0, now_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        if not (speed > 0 and math.isfinite(speed)):
            raise SettingsError(f"speed {speed:g} makes no sense: give a number above 0, 1 is real")
        self.start_us = start_us
        self.speed = speed
        self._now_ns = now_ns
        self._started_ns: int | None = None

    def start(self) -> None:
        """Let time run from now on; a second start changes nothing."""
        if self._started_ns is None:
            self._started_ns = self._now_ns()

    def now_us(self) -> int:
        """Return the market's time."""
        if self._started_ns is None:
            return self.start_us
        return self.start_us + int((self._now_ns() - self._started_ns) * self.speed / 1_000)
