"""How far the exchange's clock is ahead of the local one."""

from __future__ import annotations

_WINDOW_US = 60_000_000


class ClockOffset:
    """Estimate exchange time minus local receive time, in µs, from events that carry a time.

    The estimate is the largest difference in a sliding window: the event that travelled fastest.
    Two buckets of half a window each stand in for the window, so that it holds 30 to 60 s of
    receive time.
    """

    def __init__(self, window_us: int = _WINDOW_US) -> None:
        self._half_window_us = window_us // 2
        self._bucket: int | None = None
        self._largest_us = 0
        self._previous_us: int | None = None
        self.offset_us: int | None = None

    def update(self, event_us: int, received_us: int) -> int:
        """Take in one event and return the estimate, which stays as it is until the next event."""
        difference_us = event_us - received_us
        bucket = received_us // self._half_window_us
        if bucket != self._bucket:
            # A receive clock that was set back, or a long silence, makes the past worthless.
            follows = self._bucket is not None and bucket == self._bucket + 1
            self._previous_us = self._largest_us if follows else None
            self._bucket = bucket
            self._largest_us = difference_us
        elif difference_us > self._largest_us:
            self._largest_us = difference_us
        previous_us = self._previous_us
        if previous_us is None or previous_us < self._largest_us:
            self.offset_us = self._largest_us
        else:
            self.offset_us = previous_us
        return self.offset_us
