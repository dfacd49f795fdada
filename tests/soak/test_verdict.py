"""What breaks a promise is said, and what keeps it is not."""

from __future__ import annotations

from msgspec.structs import replace

from realtime_bench.soak.verdict import (
    Course,
    Fault,
    Memory,
    Verdict,
    failures_of,
    grown,
    nearest,
    told,
)

CUT = Fault("cut", None, 100, 200, 1, 2.0, 1.5)
KILL = Fault("kill", None, 500, 600, 1, 4.0, 4.0)
DROP = Fault("drop", "BTC/USDT", 340, 350, 7, 1.0, 1.0)
COURSE = Course((CUT, DROP, KILL), (), 60.0, 1_000, 2, 0, 0, 0)


def failures(course: Course) -> tuple[str, ...]:
    return failures_of(course, [], times=1, fresh_within_s=10, kinds=["cut", "kill"])


def test_a_course_that_keeps_its_promises_has_no_failures() -> None:
    assert failures(COURSE) == ()


def test_predictions_that_come_late_or_never_are_said() -> None:
    late = replace(CUT, waited_s=10.5)
    never = replace(KILL, waited_s=None)
    said = failures(replace(COURSE, faults=(late, never)))
    assert [line.partition(": ")[2] for line in said] == [
        "fresh predictions after 10.5 s",
        "fresh predictions did not come",
    ]


def test_a_kind_that_did_not_strike_was_not_tried() -> None:
    assert failures(replace(COURSE, faults=(replace(CUT, struck=0), KILL))) == (
        "cut struck 0 times, not 1",
    )


def test_an_end_that_nobody_brought_about_is_said() -> None:
    broken = replace(COURSE, deaths=1, tracebacks=2, exit_code=1)
    assert len(failures(broken)) == 3


def test_memory_is_looked_at_in_the_longest_life() -> None:
    flat = [Memory(1, float(second), 300.0) for second in range(60)]
    growing = [Memory(2, float(second), 300.0 + 5 * second) for second in range(90)]
    assert grown(flat[:30]) is None
    assert grown(flat) == 1
    assert (grown([*flat, *growing]) or 0) > 1.25
    assert failures(replace(COURSE, memory=tuple(growing)))[0].startswith("memory grew")


def test_the_nearest_fault_is_of_that_market_and_lasted_then_or_was_closest() -> None:
    faults = [CUT, DROP, KILL]
    assert nearest([], 1, "BTC/USDT") is None
    assert nearest(faults, 150, "BTC/USDT") == CUT
    assert nearest(faults, 341, "BTC/USDT") == DROP
    assert nearest(faults, 340, "ETH/USDT") == CUT
    assert nearest(faults, 360, "ETH/USDT") == KILL


def test_a_verdict_has_a_line_for_each_kind() -> None:
    text = told(Verdict(1, COURSE, (), ("cut: too late",)))
    assert "FAILED cut: too late" in text
    assert [line.split()[:3] for line in text.splitlines() if line.startswith("drop")] == [
        ["drop", "1", "1"]
    ]
