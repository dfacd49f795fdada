"""Recorded frames go the way that live ones go, without a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trades.intake import Counts, Intake, PublishDeadLetter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from exchanges.venue import Stream
    from marketstream.recordings import RecordedFrame
    from trades.session.market import MarketSession


def replay_frames(
    frames: Iterable[RecordedFrame],
    adapter: Stream,
    sessions: Mapping[str, MarketSession],
    publish_dead_letter: PublishDeadLetter,
    *,
    frames_per_read: int = 64,
) -> Counts:
    """Give the sessions what the frames say, as if `frames_per_read` came with a socket read.

    Receive times are the recording's; a frame without one counts as received at its own time, or
    with the one before it. What is missing is lost at the end only: until then it may come. What
    the messages say together does not depend on `frames_per_read`.
    """
    intake = Intake(adapter, sessions, publish_dead_letter)
    for number, (received_ns, frame) in enumerate(frames, 1):
        intake.handle(frame, received_ns)
        if number % frames_per_read == 0:
            intake.flush()
    intake.flush()
    for session in sessions.values():
        session.end()
    return intake.counts()
