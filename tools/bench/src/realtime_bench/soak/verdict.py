"""What came of a soak: which promises hold, and how it says so."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import msgspec

from realtime_bench.soak.comparison import Comparison, table
from realtime_bench.soak.kinds import KINDS

_GROWTH = 1.25  # of the memory, from the first third of the longest life to its last
_FEWEST = 12  # measurements in a third


class Fault(msgspec.Struct, frozen=True):
    """A fault that was brought, in market time; `struck` is how often it did.

    `fresh_after_s` is how long after its end there were predictions made since, of all markets that
    it concerns; `waited_s` is what of that was free of all other faults of the same market. None
    where they did not come at all.
    """

    kind: str
    symbol: str | None
    begin_ms: int
    end_ms: int
    struck: int
    fresh_after_s: float | None = None
    waited_s: float | None = None


class Memory(msgspec.Struct, frozen=True):
    """What the process held: in which life, after how many seconds of the soak, in MB."""

    life: int
    after_s: float
    mb: float


class Course(msgspec.Struct, frozen=True):
    """What happened: the faults, and what was measured meanwhile."""

    faults: tuple[Fault, ...]
    memory: tuple[Memory, ...]
    seconds: float
    trades: int
    lives: int
    deaths: int
    tracebacks: int
    exit_code: int


class Verdict(msgspec.Struct, frozen=True):
    """What came of a seed; `failures` says in words what was promised and does not hold."""

    seed: int
    course: Course
    comparisons: tuple[Comparison, ...]
    failures: tuple[str, ...]


def failures_of(
    course: Course, comparisons: Sequence[Comparison], *, times: int, fresh_within_s: float,
    kinds: Sequence[str],
) -> tuple[str, ...]:  # fmt: skip
    """Return what was promised and does not hold."""
    failures = [
        f"{fault.kind} of {fault.symbol or 'all markets'} at {fault.begin_ms}: fresh predictions "
        + ("did not come" if fault.waited_s is None else f"after {fault.waited_s:.1f} s")
        for fault in course.faults
        if fault.waited_s is None or fault.waited_s > fresh_within_s
    ]
    struck = counts(course.faults)
    failures += [
        f"{kind} struck {struck.get(kind, 0)} times, not {times}"
        for kind in kinds
        if struck.get(kind, 0) < times
    ]
    growth = grown(course.memory)
    if growth is not None and growth > _GROWTH:
        failures.append(f"memory grew to {growth:.2f} times what it was")
    if course.deaths:
        failures.append(f"it ended by itself {course.deaths} times")
    if course.tracebacks:
        failures.append(f"{course.tracebacks} tracebacks in the log")
    if course.exit_code:
        failures.append(f"it ended with exit code {course.exit_code}")
    for comparison in comparisons:
        if comparison.candles == 0:
            failures.append(f"{comparison.market}: no candles stored")
        for one in comparison.violations:
            fault = nearest(course.faults, one.open_time_ms, one.market.partition(":")[2])
            failures.append(
                f"{one.claim}: {one.count} of {one.market} {one.timeframe} at {one.open_time_ms}"
                + (f", nearest to {fault.kind} at {fault.begin_ms}" if fault else "")
            )
    return tuple(failures)


def counts(faults: Sequence[Fault]) -> dict[str, int]:
    """Return how many faults of each kind struck."""
    found: dict[str, int] = {}
    for fault in faults:
        found[fault.kind] = found.get(fault.kind, 0) + (fault.struck > 0)
    return found


def grown(memory: Sequence[Memory]) -> float | None:
    """Return the memory of the last third of the longest life beside the first, warmed up."""
    lives: dict[int, list[float]] = {}
    for one in memory:
        lives.setdefault(one.life, []).append(one.mb)
    longest = max(lives.values(), key=len, default=[])
    third = len(longest) // 3
    if third < _FEWEST:
        return None
    return median(longest[-third:]) / median(longest[third // 2 : third])


def nearest(faults: Sequence[Fault], time_ms: int, symbol: str) -> Fault | None:
    """Return the fault of a market that is nearest in time, the earliest where several are."""
    return min(
        (fault for fault in faults if fault.symbol in (None, symbol)),
        key=lambda fault: max(fault.begin_ms - time_ms, time_ms - fault.end_ms, 0),
        default=None,
    )


def told(verdict: Verdict, most_failures: int = 40) -> str:
    """Return a verdict as tables for people to read."""
    course = verdict.course
    megabytes = [round(one.mb) for one in course.memory]
    step = max(1, len(megabytes) // 12)
    growth = grown(course.memory)
    lines = [
        f"seed {verdict.seed}: {course.trades:,} trades and {len(course.faults)} faults in "
        f"{course.seconds:.0f} s; {course.lives} starts",
        "",
        *_by_kind(course.faults),
        "",
        table(verdict.comparisons),
        "",
        f"memory, MB: {' '.join(map(str, megabytes[::step]))}"
        + ("" if growth is None else f"; grown to {growth:.2f} times in the longest life"),
        *(f"FAILED {failure}" for failure in verdict.failures[:most_failures]),
    ]
    if len(verdict.failures) > most_failures:
        lines.append(f"and {len(verdict.failures) - most_failures} more")
    if not verdict.failures:
        lines.append("every promise is kept")
    return "\n".join(lines)


def _by_kind(faults: Sequence[Fault]) -> list[str]:
    rows = [f"{'fault':<18}{'brought':>8}{'struck':>8}{'fresh p50 s':>13}{'max s':>8}"]
    struck = counts(faults)
    for kind in KINDS:
        of_kind = [fault for fault in faults if fault.kind == kind]
        waited = [fault.waited_s for fault in of_kind if fault.waited_s is not None]
        if not of_kind:
            continue
        times = f"{median(waited):>13.1f}{max(waited):>8.1f}" if waited else f"{'-':>13}{'-':>8}"
        rows.append(f"{kind:<18}{len(of_kind):>8}{struck[kind]:>8}{times}")
    return rows
