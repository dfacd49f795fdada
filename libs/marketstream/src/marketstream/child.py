"""A function in a process of its own, with a line to it, that never outlives its parent."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing import resource_tracker
from typing import Any

_PATIENCE_S = 2.0


class Child:
    """Runs `target(connection, *arguments)` in a fresh interpreter.

    The child sees the end of the file on its connection when the parent is gone, however it went;
    Ctrl-C is the parent's business alone.
    """

    def __init__(self, name: str, target: Callable[..., None], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(
            target=target, args=(theirs, *arguments), name=name, daemon=True
        )
        resource_tracker.ensure_running()  # first: the start of it lets SIGINT through again
        # The child inherits this; while it is still importing, it could not ignore SIGINT itself.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()

    def stop(self) -> None:
        """End the process, kindly at first."""
        self._process.terminate()
        self._process.join(_PATIENCE_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.connection.close()
