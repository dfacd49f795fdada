"""The clock that stamps what is received, as fast as the market it listens to."""

from __future__ import annotations

import time


class ReceiveClock:
    """Nanoseconds since 1970, running `speed` times as fast as life from when it was made."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._wall_ns = time.time_ns()
        self._started_ns = time.monotonic_ns()

    def __call__(self) -> int:
        """Return the time now."""
        return self._wall_ns + int((time.monotonic_ns() - self._started_ns) * self.speed)
