"""How far the exchange's clock is ahead of the local one."""

from __future__ import annotations

_WINDOW_US = 60_000_000
_NONE_YET_US = -(1 << 62)


class ClockOffset:
    """Estimate exchange time minus local receive time, in µs, from events that carry a time.

    The estimate is the largest difference in a sliding window: the event that travelled fastest.
    Two buckets of half a window each stand in for the window, so that it holds 30 to 60 s of
    receive time. Events received in `[from_us, until_us)` whose difference is no more than
    `largest_us` change nothing: those need no `update`.
    """

    def __init__(self, window_us: int = _WINDOW_US) -> None:
        self._half_window_us = window_us // 2
        self._previous_us: int | None = None
        self.largest_us = _NONE_YET_US
        self.from_us = self.until_us = 0
        self.offset_us: int | None = None

    def update(self, event_us: int, received_us: int) -> int:
        """Take in one event and return the estimate, which stays as it is until the next event."""
        difference_us = event_us - received_us
        if not self.from_us <= received_us < self.until_us:
            from_us = received_us // self._half_window_us * self._half_window_us
            # A receive clock that was set back, or a long silence, makes the past worthless.
            follows = self.offset_us is not None and from_us == self.until_us
            self._previous_us = self.largest_us if follows else None
            self.from_us, self.until_us = from_us, from_us + self._half_window_us
            self.largest_us = difference_us
        elif difference_us > self.largest_us:
            self.largest_us = difference_us
        previous_us = self._previous_us
        if previous_us is None or previous_us < self.largest_us:
            self.offset_us = self.largest_us
        else:
            self.offset_us = previous_us
        return self.offset_us
