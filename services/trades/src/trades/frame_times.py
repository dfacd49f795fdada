"""Recorded frames that were read ahead, and the times that they say."""

from __future__ import annotations

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
    from collections.abc import Callable, Iterable, Iterator, Sequence

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


def read_frame(one: RecordedFrame, parse: Callable[[bytes], Event]) -> ReadFrame:
    """Return what a frame says, which may be that it makes no sense."""
    received_ns, frame = one
    try:
        said = parse(frame)
    except BadMessage as error:
        return ReadFrame(received_ns, frame, error, None, None)
    events = events_of(said)
    times = _latest_us(events, _TIMED), _latest_us(events, WITNESSES)
    return ReadFrame(received_ns, frame, said, *times)


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
