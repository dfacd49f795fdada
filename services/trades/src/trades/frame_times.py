"""Recorded frames that were read ahead, and the times that they say."""

from __future__ import annotations

from collections import deque
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

LEAP_US = 2_000_000
"""How far ahead of others a frame may be without anybody asking those after it."""

WITNESSES = (TradeEvent, QuoteEvent, BookEvent)
"""Events of now: what else is told may be of another time."""

_MOST_BETWEEN = 1_000  # frames between two that have a receive time
_TIMED = (*WITNESSES, ContextEvent, LiquidationEvent)


class ReadFrame(NamedTuple):
    """A frame, when it was received, and what it says.

    `time_us` is the latest time that it says, `witness_us` the latest that other frames can be held
    against; None where there is none.
    """

    received_ns: int | None
    frame: bytes
    said: Event | BadMessage
    time_us: int | None
    witness_us: int | None


class ReadAhead:
    """Takes the place of a stream whose next frames have been read before they are wanted."""

    def __init__(self, stream: Stream) -> None:
        self.name = stream.name
        self._parse = stream.parse
        self._said: deque[Event | BadMessage] = deque()

    def parse(self, frame: bytes) -> Event:
        """Return what a frame says, in the order in which they were read ahead."""
        if not self._said:
            return self._parse(frame)
        said = self._said.popleft()
        if isinstance(said, BadMessage):
            raise said
        return said

    def _told(self, frame: bytes) -> Event | BadMessage:
        """Return what a frame says, which may be that it makes no sense."""
        try:
            return self._parse(frame)
        except BadMessage as error:
            return error


def read_frame(one: RecordedFrame, said: Event | BadMessage) -> ReadFrame:
    """Return a frame with what it says, and the times in that."""
    events = events_of(said)
    return ReadFrame(*one, said, _latest_us(events, _TIMED), _latest_us(events, WITNESSES))


def events_of(said: Event | BadMessage) -> Sequence[Event]:
    """Return the events that a frame says, none where it makes no sense."""
    if isinstance(said, BadMessage):
        return ()
    return said.events if isinstance(said, Several) else (said,)


def _latest_us(events: Sequence[Event], kinds: tuple[type, ...]) -> int | None:
    times = (getattr(one, "time_us", None) for one in events if isinstance(one, kinds))
    return max((time_us for time_us in times if time_us is not None), default=None)


def filled(frames: Iterable[RecordedFrame]) -> Iterator[RecordedFrame]:
    """Yield frames; those between two with a receive time have that of the second.

    They were received by then. Where very many lack one, nobody knows.
    """
    waiting: list[RecordedFrame] = []
    is_between = False
    for one in frames:
        if one[0] is None:
            if not is_between:
                yield one
                continue
            waiting.append(one)
            if len(waiting) >= _MOST_BETWEEN:
                yield from waiting
                waiting, is_between = [], False
        else:
            for each in waiting:
                yield RecordedFrame(one[0], each[1])
            waiting, is_between = [], True
            yield one
    yield from waiting
