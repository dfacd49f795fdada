"""How long to wait before trying again."""

from __future__ import annotations

import random


class Backoff:
    """Double the longest wait with each failure, and wait a random part of it (full jitter).

    The randomness keeps many clients from coming back at the same moment. The first wait is up to
    `first_s`, none is longer than `longest_s`.
    """

    def __init__(self, first_s: float = 0.5, longest_s: float = 30.0) -> None:
        self._first_s = first_s
        self.longest_s = longest_s
        self._failures = 0

    def next_s(self) -> float:
        """Count one more failure and return how many seconds to wait."""
        limit_s = min(self.longest_s, self._first_s * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return random.uniform(0.0, limit_s)  # noqa: S311 - no secret depends on it

    def reset(self) -> None:
        """Forget past failures."""
        self._failures = 0
