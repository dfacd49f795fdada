"""How long a market may be silent before that needs proof."""

from __future__ import annotations

_MANY = 10.0  # times the mean distance of two trades: e**-10 where they come at random
_LONGEST = 2.0  # times the longest silence that was seen of late: trades come in bursts
_ENOUGH = 16.0  # trades, to know a market by
_RATE_HALF_US = 60_000_000.0
_LONGEST_HALF_US = 300_000_000.0


class Silence:
    """The pace of one channel of a market, told by the exchange's own times.

    `plausible_us` is how long a silence may be: ten times the mean distance of the last minutes, or
    twice the longest of late, from `least_us` to `most_us`; `unknown_us` before a market is known.
    """

    def __init__(
        self,
        *,
        least_us: int = 1_000_000,
        most_us: int = 60_000_000,
        unknown_us: int = 5_000_000,
    ) -> None:
        self.plausible_us = unknown_us
        self._least_us, self._most_us = least_us, most_us
        self._count = self._span_us = self._longest_us = 0.0

    def note(self, count: int, interval_us: int) -> None:
        """Note how many events came, and how long after those before."""
        if interval_us < 0:
            return
        fading = 0.5 ** (interval_us / _RATE_HALF_US)
        self._count = self._count * fading + count
        self._span_us = self._span_us * fading + interval_us
        self._longest_us = max(
            interval_us, self._longest_us * 0.5 ** (interval_us / _LONGEST_HALF_US)
        )
        if self._count >= _ENOUGH:
            wanted_us = max(_MANY * self._span_us / self._count, _LONGEST * self._longest_us)
            self.plausible_us = round(min(max(wanted_us, self._least_us), self._most_us))
