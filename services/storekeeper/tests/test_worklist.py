"""In which order, how often and how many stretches are mended."""

from __future__ import annotations

from storekeeper.worklist import Stretch, Worklist

OLD, NEW = Stretch("a", 0, 1_000), Stretch("b", 5_000, 6_000)


def test_the_newest_that_is_due_comes_first_and_once() -> None:
    work = Worklist()
    work.add(OLD, 1.0)
    work.add(NEW, 2.0)
    assert work.take(0.5) is None
    assert [task.stretch for task in (work.take(2.0), work.take(2.0)) if task] == [NEW, OLD]
    assert work.take(9.0) is None


def test_what_failed_waits_twice_as_long_each_time_up_to_five_minutes() -> None:
    work, waits, now_s = Worklist(), [], 0.0
    work.add(OLD, now_s)
    for _ in range(9):
        task = work.take(now_s)
        assert task is not None
        work.again(task, now_s)
        due_s = next(s for s in range(int(now_s), 10_000) if _is_due(work, s))
        waits.append(due_s - now_s)
        now_s = due_s
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def _is_due(work: Worklist, now_s: float) -> bool:
    return any(due_s <= now_s for due_s, _ in work._due.values())


def test_a_wait_that_is_asked_for_is_kept() -> None:
    work = Worklist()
    work.add(OLD, 0.0)
    task = work.take(0.0)
    assert task is not None
    work.again(task, 0.0, wait_s=120.0)
    assert work.take(119.0) is None
    assert work.take(120.0) is not None


def test_of_too_many_the_oldest_are_left_out() -> None:
    work = Worklist(most=2)
    for stretch in (OLD, NEW, Stretch("a", 2_000, 3_000)):
        work.add(stretch, 0.0)
    assert (len(work), work.count("a"), work.count("b")) == (2, 1, 1)
    assert OLD not in [task.stretch for task in (work.take(0.0), work.take(0.0)) if task]
