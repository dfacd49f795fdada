"""A function in a process of its own, with a line to it, that never outlives its parent."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from operator import attrgetter
from typing import Any

_PATIENCE_S = 2.0
_ORPHANED_S = 1.0  # to end what was begun
_WITHOUT_A_WORD = "ignore:resource_tracker:UserWarning"


class Child:
    """Runs `target(connection, *arguments)` in a fresh interpreter.

    The child sees the end of the file on its connection when the parent is gone, however it went,
    and is ended soon after, whatever it is at: many that still import what they need, of parents
    that were killed one after the other, would leave no time to the next. Ctrl-C is the parent's
    business alone.
    """

    def __init__(self, name: str, target: Callable[..., None], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_run, name=name, daemon=True,
            args=(theirs, target.__module__, target.__qualname__, pickle.dumps(arguments)),
        )  # fmt: skip
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


def _run(theirs: Connection, module: str, name: str, arguments: bytes) -> None:
    """Import and call a function; what it needs is imported while its parent is watched."""
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    target = attrgetter(name)(importlib.import_module(module))
    target(theirs, *pickle.loads(arguments))  # noqa: S301 - its own parent's


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        time.sleep(_ORPHANED_S)
        os._exit(1)


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
