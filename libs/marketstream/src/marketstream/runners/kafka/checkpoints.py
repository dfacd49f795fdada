"""Checkpoints at a good moment: when nothing waits for the stream, and what they stand for is safe.

A commit holds the stream up for some 30 ms.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from quixstreams import Application

type BeforeCommit = Callable[[float | None], bool]
"""Makes safe what has been put aside, within so many seconds; says whether all of it is."""

_FROM_S, _TO_S = 0.45, 0.85  # of each second: candles close as it begins, and predictions follow
_WITHIN_S = 0.25
_AGAIN_AFTER_S = 5.0


def postpone_checkpoints(
    application: Application,
    before_commit: BeforeCommit | None,
    *,
    now: Callable[[], float] = time.time,
) -> None:
    """Have a checkpoint that is due wait for the second half of a second and for `before_commit`.

    A worker that ends, or gives markets away, commits all the same: `before_commit` is then asked
    by whoever saves the operators, and may take its time. Quix has no setting for this, so its
    context's method is wrapped.
    """
    context = application._processing_context  # noqa: SLF001 - see above
    commit = context.commit_checkpoint
    again_s = 0.0

    def is_time() -> bool:
        nonlocal again_s
        now_s = now()
        if now_s < again_s or not _FROM_S <= now_s % 1 < _TO_S:
            return False
        if before_commit is None or before_commit(_WITHIN_S):
            return True
        again_s = now_s + _AGAIN_AFTER_S
        return False

    def commit_checkpoint(*, force: bool = False, revoking: bool = False) -> None:
        if force or revoking or (context.checkpoint.expired() and is_time()):
            commit(force=force, revoking=revoking)

    context.commit_checkpoint = commit_checkpoint  # type: ignore[assignment, method-assign]
