"""When a checkpoint that is due is committed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from marketstream.runners.kafka.checkpoints import postpone_checkpoints


class Context:
    """What Quix has for an application: it commits what is due whenever it is asked."""

    def __init__(self) -> None:
        self.checkpoint = SimpleNamespace(expired=lambda: True)
        self.commits = 0

    def commit_checkpoint(self, *, force: bool, revoking: bool) -> None:
        assert force or not revoking
        self.commits += 1


class Clock:
    def __init__(self) -> None:
        self.now = 100.5

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def postponed(clock: Clock, *, safe: list[bool]) -> Any:
    context = Context()
    application: Any = SimpleNamespace(_processing_context=context)
    postpone_checkpoints(application, lambda _timeout_s: safe[0], now=clock)
    return context


def test_a_commit_waits_for_the_part_of_a_second_in_which_no_candle_closes(clock: Clock) -> None:
    context = postponed(clock, safe=[True])
    for clock.now in (100.95, 101.0, 101.3, 101.6):
        context.commit_checkpoint()
        assert context.commits == (clock.now == 101.6)


def test_a_commit_waits_until_what_it_stands_for_is_safe_and_asks_now_and_then(
    clock: Clock,
) -> None:
    safe = [False]
    context = postponed(clock, safe=safe)
    context.commit_checkpoint()
    safe[0] = True
    clock.now += 4
    context.commit_checkpoint()
    assert context.commits == 0
    clock.now += 1
    context.commit_checkpoint()
    assert context.commits == 1


def test_a_worker_that_ends_or_gives_markets_away_commits_all_the_same(clock: Clock) -> None:
    context = postponed(clock, safe=[False])
    clock.now = 100.0
    context.commit_checkpoint(force=True)
    context.commit_checkpoint(force=True, revoking=True)
    assert context.commits == 2
