"""Checkpoints that wait while what they stand for cannot be made safe, and the stream goes on."""

from __future__ import annotations

import time
from collections.abc import Callable

from quixstreams import Application

type BeforeCommit = Callable[[float | None], bool]
"""Makes safe what has been put aside, within so many seconds; says whether all of it is."""

_WITHIN_S = 0.25  # so long does the stream stand still, and a prediction may be late by it
_AGAIN_AFTER_S = 5.0


def postpone_checkpoints(application: Application, before_commit: BeforeCommit) -> None:
    """Have checkpoints wait until `before_commit` is done.

    A worker that ends, or gives markets away, commits all the same: `before_commit` is then asked
    by whoever saves the operators, and may take its time. Quix has no setting for this, so its
    context's method is wrapped.
    """
    context = application._processing_context  # noqa: SLF001 - see above
    commit = context.commit_checkpoint
    again_s = 0.0

    def commit_checkpoint(*, force: bool = False, revoking: bool = False) -> None:
        nonlocal again_s
        if not (force or revoking):
            if not context.checkpoint.expired() or time.monotonic() < again_s:
                return
            if not before_commit(_WITHIN_S):
                again_s = time.monotonic() + _AGAIN_AFTER_S
                return
        commit(force=force, revoking=revoking)

    context.commit_checkpoint = commit_checkpoint  # type: ignore[assignment, method-assign]
