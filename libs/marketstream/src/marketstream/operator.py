"""The operator: what turns messages of one market into other messages, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Operator[In, Out](Protocol):
    """A small pure object for one market.

    It never reads a clock, never does I/O and starts no threads: what comes out depends on what
    went in alone, so it can be tested by a plain call and driven by any runner.
    """

    def update(self, message: In) -> Sequence[Out]:
        """Fold one message; return what follows from it, in order.

        BadMessage refuses it, before anything has changed. After any other exception a runner
        restores the operator and has it fold again what came since its last snapshot.
        """
        ...

    def snapshot(self) -> bytes:
        """Return everything needed to go on elsewhere."""
        ...

    def restore(self, snapshot: bytes) -> None:
        """Go on from a snapshot; what follows is what would have followed."""
        ...
