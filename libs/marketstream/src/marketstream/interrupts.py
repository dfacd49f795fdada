"""Ctrl-C before there is anything to end: a process that is still importing leaves at once.

It comes before everything else, so it imports only what the interpreter has by then: reading
`signal` takes 5 ms, in which Ctrl-C would be a traceback.
"""

import _signal as signal  # type: ignore[import-not-found]  # built in, without a stub
import os

INTERRUPTED = 130


def leave_at_once() -> None:
    """From now on SIGINT ends the process without a word; for while nothing is open."""
    signal.signal(signal.SIGINT, _leave)


def raise_again() -> None:
    """From now on SIGINT is a KeyboardInterrupt again, so that what is open is closed."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def ignore() -> None:
    """From now on SIGINT does nothing: the process is ending already."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _leave(number: int, frame: object) -> None:  # noqa: ARG001 - what a signal handler is given
    os._exit(INTERRUPTED)
