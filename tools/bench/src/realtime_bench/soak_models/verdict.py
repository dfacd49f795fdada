"""What came of a soak of models: whether memory stayed flat, and whether a close took longer."""

from __future__ import annotations

from statistics import median

import msgspec

GROWTH = 1.25  # of the memory, from the first third, warmed up, to the last: as in the other soak
SLOWER = 1.10  # the 99th percentile, with candidates and trainings beside without
CANDIDATES = 10
_FEWEST = 12  # measurements in a third


class Phase(msgspec.Struct, frozen=True):
    """What was measured of one system; `memory_mib` at even distances, its trainer included."""

    seconds: float
    rate: float
    predictions: int
    p50_ms: float
    p99_ms: float
    trainings: int
    failed: int
    candidates: int
    memory_mib: tuple[float, ...]


class Report(msgspec.Struct, frozen=True):
    """Both systems, by how much memory grew (None: too short to say), and what does not hold."""

    without: Phase
    with_candidates: Phase
    growth: float | None
    slower: float
    failures: tuple[str, ...]


def judged(without: Phase, with_candidates: Phase, wanted_rate: float) -> Report:
    """Return what holds of the two."""
    growth = grown(with_candidates.memory_mib)
    slower = with_candidates.p99_ms / without.p99_ms
    failures = []
    if growth is not None and growth > GROWTH:
        failures.append(f"memory grew to {growth:.2f} times what it was")
    if slower > SLOWER:
        failures.append(
            f"the 99th percentile is {slower:.2f} times that without: "
            f"{with_candidates.p99_ms:.2f} ms, not {without.p99_ms:.2f}"
        )
    if with_candidates.candidates < CANDIDATES:
        failures.append(f"{with_candidates.candidates} candidates spoke, not {CANDIDATES}")
    if with_candidates.failed:
        failures.append(f"{with_candidates.failed} trainings failed")
    if not with_candidates.trainings:
        failures.append("nothing was trained meanwhile")
    for name, phase in (("without", without), ("with", with_candidates)):
        if phase.rate < 0.95 * wanted_rate:
            failures.append(f"{name} candidates {phase.rate:,.0f} trades/s came through")
    return Report(without, with_candidates, growth, slower, tuple(failures))


def grown(memory: tuple[float, ...]) -> float | None:
    """Return the memory of the last third beside that of the first, its beginning left out."""
    third = len(memory) // 3
    if third < _FEWEST:
        return None
    return median(memory[-third:]) / median(memory[third // 2 : third])


def told(report: Report) -> str:
    """Return it as a few lines."""
    lines = [
        f"{name:8} {phase.seconds:6.0f} s {phase.rate:8,.0f} trades/s {phase.predictions:9,} "
        f"predictions, p50 {phase.p50_ms:.2f} ms, p99 {phase.p99_ms:.2f} ms, "
        f"{phase.trainings} trainings, {phase.candidates} candidates"
        for name, phase in (("without", report.without), ("with", report.with_candidates))
    ]
    memory = report.with_candidates.memory_mib
    step = max(1, len(memory) // 20)
    grew = "too short to say" if report.growth is None else f"times {report.growth:.2f}"
    lines.append(f"memory, MiB: {' '.join(f'{mib:.0f}' for mib in memory[::step])} ({grew})")
    lines += [f"FAILED: {failure}" for failure in report.failures] or ["all holds"]
    return "\n".join(lines)
