"""Which faults a soak brings is a matter of its seed, and every kind comes."""

from __future__ import annotations

from collections import Counter

from realtime_bench.soak.corruptions import KINDS
from realtime_bench.soak.course import Fault, nearest
from realtime_bench.soak.plan import plan


def test_the_same_seed_plans_the_same_and_another_one_something_else() -> None:
    assert plan(7, 50) == plan(7, 50)
    assert plan(7, 50) != plan(8, 50)


def test_every_kind_comes_as_often_as_any_other() -> None:
    counts = Counter(planned.kind for planned in plan(7, 10 * len(KINDS)))
    assert counts == dict.fromkeys(KINDS, 10)


def test_the_nearest_fault_is_the_one_that_lasted_then_or_was_closest() -> None:
    faults = [Fault("cut", 100, 200, 1.0), Fault("kill", 500, 600, 1.0)]
    assert nearest([], 1) is None
    assert nearest(faults, 150) == faults[0]
    assert nearest(faults, 340) == faults[0]
    assert nearest(faults, 360) == faults[1]
