"""Frames that were recorded without receive times: which of their own times are believed."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from exchanges.events import (
    BookEvent,
    ContextEvent,
    Event,
    LiquidationEvent,
    QuoteEvent,
    Several,
    TradeEvent,
)
from marketstream.errors import BadMessage
from marketstream.recordings import RecordedFrame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from exchanges.venue import Stream

_WITNESSES = (TradeEvent, QuoteEvent, BookEvent)  # what else is told may be of another time
_TIMED = (*_WITNESSES, ContextEvent, LiquidationEvent)
_LEAP_US = 2_000_000
_ASKED = 10  # frames after one that leaps ahead
_SILENT_US, _SILENT = 60_000_000, 20  # after the first: a minute, or times the span of the next
_LONGER = 2  # times the longest silence before, that a last frame may come after


class _Read(NamedTuple):
    received_ns: int | None
    frame: bytes
    said: Event | BadMessage
    time_us: int | None = None
    witness_us: int | None = None  # what it says of the time of other frames


class Undated:
    """Reads ahead in a recording, and takes the place of its stream.

    Without receive times nobody else tells how late it is: a frame counts as received at its own
    time. One that leaps ahead of those before it is believed where most of the next few frames are
    not before it; else it makes no sense, and nothing of it is known. The first one is held
    against those after it alone, and the last, on which nothing follows, may leap about as far as
    others did.
    """

    def __init__(self, stream: Stream) -> None:
        self.name = stream.name
        self._parse = stream.parse
        self._said: deque[Event | BadMessage] = deque()
        self._waiting: deque[_Read] = deque()
        self._now_us: int | None = None
        self._longest_us = _LEAP_US

    def parse(self, frame: bytes) -> Event:
        """Return what the next of the frames that `read` yielded says, which `frame` is."""
        del frame
        said = self._said.popleft()
        if isinstance(said, BadMessage):
            raise said
        return said

    def read(self, frames: Iterable[RecordedFrame]) -> Iterator[RecordedFrame]:
        """Yield the frames, trades with the times that they count as received at."""
        waiting, said, parse = self._waiting, self._said, self._parse
        for received_ns, frame in frames:
            event: Event | BadMessage
            try:
                event = parse(frame)
            except BadMessage as error:
                event = error
            now_us = self._now_us
            if type(event) is TradeEvent and received_ns is None and not waiting:  # most are
                time_us = event.trade.time_us
                if now_us is not None and time_us <= now_us + _LEAP_US:
                    said.append(event)
                    self._now_us = time_us
                    yield RecordedFrame(time_us * 1_000, frame)
                    continue
            one = _with_times(received_ns, frame, event)
            if waiting or self._leaps(one):
                waiting.append(one)
                if one.witness_us is not None:
                    yield from self._decided()
            else:
                yield self._passed(one)
        yield from self._decided(at_end=True)

    def _leaps(self, one: _Read) -> bool:
        if one.time_us is None or one.received_ns is not None:
            return False
        return self._now_us is None or one.time_us > self._now_us + _LEAP_US

    def _passed(self, one: _Read) -> RecordedFrame:
        """Let a frame pass that is believed."""
        self._said.append(one.said)
        if one.witness_us is not None:
            self._now_us = one.witness_us
        if type(one.said) is TradeEvent and one.received_ns is None:
            return RecordedFrame(one.said.trade.time_us * 1_000, one.frame)
        return RecordedFrame(one.received_ns, one.frame)

    def _decided(self, *, at_end: bool = False) -> Iterator[RecordedFrame]:
        """Yield the frames that wait until one has to wait on."""
        waiting = self._waiting
        while waiting:
            first = waiting[0]
            if self._leaps(first):
                times = (each.witness_us for each in islice(waiting, 1, None))
                after = [time_us for time_us in times if time_us is not None]
                if len(after) < _ASKED and not at_end:
                    return
                if not self._is_believed(first, after[:_ASKED]):
                    waiting.popleft()
                    self._said.append(self._nonsense(first))
                    yield RecordedFrame(first.received_ns, first.frame)
                    continue
            yield self._passed(waiting.popleft())

    def _is_believed(self, one: _Read, after_us: list[int]) -> bool:
        now_us, time_us = self._now_us, one.time_us or 0
        leap_us = 0 if now_us is None else time_us - now_us
        if not after_us:
            return leap_us <= _LONGER * self._longest_us
        most = sorted(after_us)[(len(after_us) - 1) // 2 :]
        is_believed = most[0] >= time_us - _LEAP_US
        if now_us is None:  # nothing before it says that it is not dated too early
            silent_us = max(_SILENT_US, _SILENT * (most[-1] - most[0]))
            return is_believed and most[0] <= time_us + silent_us
        if is_believed:
            self._longest_us = max(self._longest_us, leap_us)
        return is_believed

    def _nonsense(self, one: _Read) -> BadMessage:
        beside = "most of those after it are of another time"
        if self._now_us is not None and one.time_us is not None:
            beside = (
                f"it is {(one.time_us - self._now_us) / 1e6:.1f} s ahead of the frames before it, "
                "and those after it do not agree"
            )
        return BadMessage(
            f"a frame without a receive time is put aside: its time is {one.time_us} µs; {beside}"
        )


def _with_times(received_ns: int | None, frame: bytes, said: Event | BadMessage) -> _Read:
    if isinstance(said, BadMessage):
        return _Read(received_ns, frame, said)
    if received_ns is not None:
        return _Read(received_ns, frame, said, received_ns // 1_000, received_ns // 1_000)
    events = said.events if isinstance(said, Several) else (said,)
    return _Read(None, frame, said, _latest_us(events, _TIMED), _latest_us(events, _WITNESSES))


def _latest_us(events: Sequence[Event], kinds: tuple[type, ...]) -> int | None:
    times = (getattr(one, "time_us", None) for one in events if isinstance(one, kinds))
    return max((time_us for time_us in times if time_us is not None), default=None)
