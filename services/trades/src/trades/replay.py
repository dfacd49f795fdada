"""Recorded frames go the way that live ones go, without a socket."""

from __future__ import annotations

from heapq import merge
from itertools import batched, chain, groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from marketstream.errors import InputError
from trades.beginning import Beginning
from trades.intake import Counts, Intake, PublishDeadLetter
from trades.undated import Undated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from exchanges.venue import Stream
    from marketstream.recordings import RecordedFrame
    from trades.session.market import MarketSession

_RECEIVED = itemgetter(0)


def replay_frames(
    frames: Iterable[RecordedFrame],
    adapter: Stream,
    sessions: Mapping[str, MarketSession],
    publish_dead_letter: PublishDeadLetter,
    *,
    frames_per_read: int = 64,
) -> Counts:
    """Give the sessions what the frames say, as if `frames_per_read` came with a socket read.

    Receive times are the recording's; a frame without one counts as received with the next that
    has one or, where none follows, at its own time, and is put aside where it is ahead of those
    beside it. What is missing is lost at the end only: until then it may come. What the messages
    say together does not depend on `frames_per_read`.
    """
    frames = iter(frames)
    beginning = Beginning(adapter)
    intake = Intake(beginning, sessions, publish_dead_letter)
    first = beginning.read(frames)
    without = next((at for at, (received_ns, _) in enumerate(first) if received_ns is None), None)
    _take_all(intake, first[:without], frames_per_read)
    intake.reads(adapter)
    if without is not None:
        frames = chain(first[without:], frames)
    for read in batched(frames, frames_per_read):
        if None in map(_RECEIVED, read):
            undated = Undated(adapter, lag_us=beginning.lag_us)
            intake.reads(undated)
            _take_all(intake, undated.read(chain(read, frames)), frames_per_read)
            break
        _take(intake, read)
        intake.flush()
    for session in sessions.values():
        session.end()
    return intake.counts()


class Recording(NamedTuple):
    """Frames, the stream that they came by, and the sessions of its markets."""

    frames: Iterable[RecordedFrame]
    stream: Stream
    sessions: Mapping[str, MarketSession]


def replay_together(
    recordings: Sequence[Recording],
    publish_dead_letter: PublishDeadLetter,
    *,
    frames_per_read: int = 64,
) -> list[Counts]:
    """Give the sessions what frames of several recordings say, in the order of their receipt.

    One clock has to have made them all. Raises InputError where a frame has no receive time.
    """
    beginnings = [Beginning(recording.stream) for recording in recordings]
    intakes = [
        Intake(beginning, recording.sessions, publish_dead_letter)
        for beginning, recording in zip(beginnings, recordings, strict=True)
    ]
    received = merge(
        *(
            _received(at, beginning, iter(recording.frames))
            for at, (beginning, recording) in enumerate(zip(beginnings, recordings, strict=True))
        )
    )
    for read in batched(received, frames_per_read):
        for at, together in groupby(read, lambda one: one[1]):
            _take(intakes[at], ((received_ns, frame) for received_ns, _, frame in together))
        for intake in intakes:
            intake.flush()
    for recording in recordings:
        for session in recording.sessions.values():
            session.end()
    return [intake.counts() for intake in intakes]


def _take(intake: Intake, frames: Iterable[tuple[int | None, bytes]]) -> None:
    for _notice in intake.take(frames):
        pass  # there is no connection that could be worth less


def _take_all(intake: Intake, frames: Iterable[RecordedFrame], frames_per_read: int) -> None:
    for read in batched(frames, frames_per_read):
        _take(intake, read)
        intake.flush()


def _received(
    at: int, beginning: Beginning, frames: Iterator[RecordedFrame]
) -> Iterator[tuple[int, int, bytes]]:
    for received_ns, frame in chain(beginning.read(frames), frames):
        if received_ns is None:
            raise InputError(
                f"a frame has no receive time ({frame[:60]!r}): recordings are put together by it; "
                "replay this one alone"
            )
        yield received_ns, at, frame
