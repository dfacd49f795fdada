"""Hears of a signal to end whoever else handles it, and whatever the main thread waits in."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_ENDING = {signal.SIGINT, signal.SIGTERM}


@contextmanager
def told_to_end(told: Callable[[], None]) -> Iterator[None]:
    """Call `told`, in a thread of its own, when SIGINT or SIGTERM comes; in the main thread only.

    Only signals count that have a handler in Python, which goes on as it would.
    """
    hears, says = socket.socketpair()
    says.settimeout(0.0)  # as a signal's descriptor has to be
    before = signal.set_wakeup_fd(says.fileno(), warn_on_full_buffer=False)

    def listen() -> None:
        while numbers := hears.recv(64):
            if _ENDING.intersection(numbers):
                told()

    thread = threading.Thread(target=listen, name="signals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        says.close()
        thread.join()
        hears.close()
