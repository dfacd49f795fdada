"""The first frames of a recording with receive times: whether the very first can be believed."""

from __future__ import annotations

from itertools import islice
from statistics import median_low
from typing import TYPE_CHECKING

from marketstream.errors import BadMessage
from marketstream.recordings import RecordedFrame
from trades.frame_times import (
    LEAP_US,
    WITNESSES,
    ReadAhead,
    ReadFrame,
    events_of,
    filled,
    read_frame,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exchanges.venue import Stream

_READ_AHEAD = 256  # frames
_FEWEST = 3  # that are asked about one before them
_AGREEING = 4  # one of so many is enough


class Beginning(ReadAhead):
    """Reads the first frames of a recording ahead, and takes the place of its stream meanwhile.

    How far the exchange's clock is ahead of the recorder's the first trade of a market would say
    alone. So those after it are asked: where fewer than a quarter of them are as far ahead, it
    makes no sense. `lag_us` is how much later than they say frames were received, 0 where nobody
    knows.
    """

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream)
        self.lag_us = 0

    def read(self, frames: Iterator[RecordedFrame]) -> list[RecordedFrame]:
        """Take the first frames, and return them; the last ones may lack a receive time.

        What those say is not known yet.
        """
        taken = list(islice(frames, _READ_AHEAD))
        has_time = taken and taken[0][0] is not None
        known = max((at for at, one in enumerate(taken, 1) if one[0] is not None), default=0)
        known = known if has_time else 0
        first = [read_frame(one, self._told(one.frame)) for one in filled(taken[:known])]
        self._judge(first)
        return [RecordedFrame(one.received_ns, one.frame) for one in first] + taken[known:]

    def _judge(self, first: list[ReadFrame]) -> None:
        """Note what each says, the last first: it is held against those after it."""
        after: dict[str, list[int]] = {}
        for one in reversed(first):
            ahead = {
                event.market: event.time_us - (one.received_ns or 0) // 1_000
                for event in events_of(one.said)
                if isinstance(event, WITNESSES) and event.time_us is not None
            }
            wrong = {
                market: ahead_us
                for market, ahead_us in ahead.items()
                if not _is_believed(ahead_us, after.get(market, []))
            }
            for market in ahead.keys() - wrong.keys():
                after.setdefault(market, []).append(ahead[market])
            self._said.appendleft(_put_aside(*wrong.popitem()) if wrong else one.said)
        known = [ahead_us for each in after.values() for ahead_us in each]
        self.lag_us = -median_low(known) if known else 0


def _is_believed(ahead_us: int, after_us: list[int]) -> bool:
    agreeing = sum(one_us >= ahead_us - LEAP_US for one_us in after_us)
    return len(after_us) < _FEWEST or agreeing * _AGREEING >= len(after_us)


def _put_aside(market: str, ahead_us: int) -> BadMessage:
    return BadMessage(
        f"{market}: a frame is put aside: its time is {ahead_us / 1e6:.1f} s after its receipt, "
        "and of those after it fewer than a quarter say so"
    )
