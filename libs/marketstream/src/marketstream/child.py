"""A function in a process of its own, with a line to it, that never outlives its parent."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
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
            target=_run, args=(target, theirs, arguments), name=name, daemon=True
        )
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


def _run(target: Callable[..., None], connection: Connection, arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    target(connection, *arguments)
