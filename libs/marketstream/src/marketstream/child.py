"""A function in a process of its own, with a line to it, that never outlives its parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any

_PATIENCE_S = 2.0
_WITHOUT_A_WORD = "ignore:resource_tracker:UserWarning"


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
        _start_tracker()  # it unblocks SIGINT when it starts, so it comes first
        with _sigint_blocked():
            self._process.start()
        theirs.close()

    def stop(self) -> None:
        """End the process, kindly at first."""
        self._process.terminate()
        self._process.join(_PATIENCE_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.connection.close()


def _start_tracker() -> None:
    """Start multiprocessing's tracker, which the first child would start, once for all of them.

    It is to tidy up without a word after a child that was stopped in the middle of its work.
    """
    warnings = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, [warnings, _WITHOUT_A_WORD]))
    try:
        resource_tracker.ensure_running()
    finally:
        if warnings is None:
            del os.environ["PYTHONWARNINGS"]
        else:
            os.environ["PYTHONWARNINGS"] = warnings


@contextmanager
def _sigint_blocked() -> Iterator[None]:
    """Block SIGINT in what starts meanwhile: while it is still importing, it could not itself."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
