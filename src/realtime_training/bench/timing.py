"""How long a piece of work takes, on one core and without garbage that is not its own."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Callable, Iterator
from time import perf_counter


def timed[T](work: Callable[[], T]) -> tuple[float, T]:
    """Return the seconds that work takes, and its result; older objects are not collected."""
    gc.collect()
    gc.freeze()
    started = perf_counter()
    result = work()
    seconds = perf_counter() - started
    gc.unfreeze()
    return seconds, result


@contextlib.contextmanager
def one_core() -> Iterator[int | None]:
    """Keep to one core, where the system lets a process choose; the last is the least used."""
    if not hasattr(os, "sched_setaffinity"):
        yield None
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield max(before)
    finally:
        os.sched_setaffinity(0, before)
