"""How long a piece of work takes, on one core and without garbage that is not its own."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from time import perf_counter, perf_counter_ns


def timed[T](work: Callable[[], T]) -> tuple[float, T]:
    """Return the seconds that work takes, and its result; older objects are not collected."""
    gc.collect()
    gc.freeze()
    started = perf_counter()
    result = work()
    seconds = perf_counter() - started
    gc.unfreeze()
    return seconds, result


def each_us[Value](work: Callable[[Value], object], values: Iterable[Value]) -> list[float]:
    """Return the microseconds that work takes for each of the values."""
    took_us = []
    for value in values:
        started_ns = perf_counter_ns()
        work(value)
        took_us.append((perf_counter_ns() - started_ns) / 1_000)
    return took_us


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


def process_cpu_s(pid: int) -> float | None:
    """Return the CPU seconds of a process, as /proc has them (proc_pid_stat(5)); None without."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    user, system = stat.rpartition(")")[2].split()[11:13]  # the name before may hold anything
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
