"""Frames that were recorded without receive times: which of their own times are believed."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from exchanges.events import TradeEvent
from marketstream.errors import BadMessage
from marketstream.recordings import RecordedFrame
from trades.frame_times import LEAP_US, ReadAhead, ReadFrame, filled, read_frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from exchanges.venue import Stream

_ASKED = 10  # frames after one that leaps ahead
_SILENT_US, _SILENT = 60_000_000, 20  # after the first: a minute, or times the span of the next
_LONGER = 2  # times the longest silence before, that a last frame may come after


class Undated(ReadAhead):
    """Reads ahead in a recording, and takes the place of its stream.

    Between two frames that have a receive time, one without counts as received with the second.
    Elsewhere nobody else tells how late it is: it counts as received at its own time, and
    `lag_us` later. One that leaps ahead of those before it is believed where most of the next few
    are not before it; else it makes no sense, and nothing of it is known. The first one is held
    against those after it alone, and the last, on which nothing follows, may leap about as far as
    others did.
    """

    def __init__(self, stream: Stream, *, lag_us: int = 0) -> None:
        super().__init__(stream)
        self._lag_us = lag_us
        self._waiting: deque[ReadFrame] = deque()
        self._now_us: int | None = None
        self._longest_us = LEAP_US

    def read(self, frames: Iterable[RecordedFrame]) -> Iterator[RecordedFrame]:
        """Yield the frames, trades with the times that they count as received at."""
        waiting, said = self._waiting, self._said
        for each in filled(frames):
            received_ns, frame = each
            event, now_us = self._told(frame), self._now_us
            if type(event) is TradeEvent and received_ns is None and not waiting:  # most are
                time_us = event.trade.time_us
                if now_us is not None and time_us <= now_us + LEAP_US:
                    said.append(event)
                    self._now_us = time_us
                    yield RecordedFrame((time_us + self._lag_us) * 1_000, frame)
                    continue
            one = read_frame(each, event)
            if waiting or self._leaps(one):
                waiting.append(one)
                if self._witness_us(one) is not None:
                    yield from self._decided()
            else:
                yield self._passed(one)
        yield from self._decided(at_end=True)

    def _leaps(self, one: ReadFrame) -> bool:
        if one.time_us is None or one.received_ns is not None:
            return False
        return self._now_us is None or one.time_us > self._now_us + LEAP_US

    def _passed(self, one: ReadFrame) -> RecordedFrame:
        """Let a frame pass that is believed."""
        self._said.append(one.said)
        witness_us = self._witness_us(one)
        if witness_us is not None:
            self._now_us = witness_us
        received_ns, time_us = one.received_ns, one.time_us
        is_said = bool(self._lag_us) or type(one.said) is TradeEvent  # else each event for itself
        if received_ns is None and time_us is not None and is_said:
            received_ns = (time_us + self._lag_us) * 1_000
        return RecordedFrame(received_ns, one.frame)

    def _witness_us(self, one: ReadFrame) -> int | None:
        """Return the time that a frame is witness of; a receive time says it better than itself."""
        if one.received_ns is None or isinstance(one.said, BadMessage):
            return one.witness_us
        return one.received_ns // 1_000 - self._lag_us

    def _decided(self, *, at_end: bool = False) -> Iterator[RecordedFrame]:
        """Yield the frames that wait until one has to wait on."""
        waiting = self._waiting
        while waiting:
            first = waiting[0]
            if self._leaps(first):
                times = map(self._witness_us, islice(waiting, 1, None))
                after = [time_us for time_us in times if time_us is not None]
                if len(after) < _ASKED and not at_end:
                    return
                if not self._is_believed(first, after[:_ASKED]):
                    waiting.popleft()
                    self._said.append(self._nonsense(first))
                    yield RecordedFrame(first.received_ns, first.frame)
                    continue
            yield self._passed(waiting.popleft())

    def _is_believed(self, one: ReadFrame, after_us: list[int]) -> bool:
        now_us, time_us = self._now_us, one.time_us or 0
        leap_us = 0 if now_us is None else time_us - now_us
        if not after_us:
            return leap_us <= _LONGER * self._longest_us
        most = sorted(after_us)[(len(after_us) - 1) // 2 :]
        is_believed = most[0] >= time_us - LEAP_US
        if now_us is None:  # nothing before it says that it is not dated too early
            silent_us = max(_SILENT_US, _SILENT * (most[-1] - most[0]))
            return is_believed and most[0] <= time_us + silent_us
        if is_believed:
            self._longest_us = max(self._longest_us, leap_us)
        return is_believed

    def _nonsense(self, one: ReadFrame) -> BadMessage:
        beside = "most of those after it are of another time"
        if self._now_us is not None and one.time_us is not None:
            beside = (
                f"it is {(one.time_us - self._now_us) / 1e6:.1f} s ahead of the frames before it, "
                "and those after it do not agree"
            )
        return BadMessage(
            f"a frame without a receive time is put aside: its time is {one.time_us} µs; {beside}"
        )
