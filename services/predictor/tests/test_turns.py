"""Whose patience ends first has the training process next, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import pytest

from predictor.training.turns import Turns


class Work:
    """Notes in which order turns were had, each of which lasts until it is let go."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.turns = Turns(lambda: self.now_s)
        self.had: list[tuple[str, float]] = []
        self.go = asyncio.Event()

    async def do(self, name: str, patience_s: float) -> None:
        async with self.turns.turn(patience_s) as waited_s:
            self.had.append((name, waited_s))
            await self.go.wait()


def ran(scenario: Coroutine[None, None, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 10))


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_the_urgent_go_first_and_those_alike_in_the_order_they_came() -> None:
    async def scenario() -> None:
        work = Work()
        asked = (("first", 600.0), ("late", 600.0), ("new market", 0.0), ("as late", 600.0))
        tasks = [asyncio.create_task(work.do(*each)) for each in asked]
        await settled()
        assert work.had == [("first", 0.0)], "one at a time"
        work.now_s = 5
        work.go.set()
        await asyncio.gather(*tasks)
        assert [name for name, _ in work.had] == ["first", "new market", "late", "as late"]
        assert [waited_s for _, waited_s in work.had] == [0, 5, 5, 5]

    ran(scenario())


def test_whoever_has_waited_long_enough_is_the_most_urgent() -> None:
    async def scenario() -> None:
        work = Work()
        tasks = [asyncio.create_task(work.do(*each)) for each in (("first", 0), ("hourly", 600))]
        await settled()
        work.now_s = 601
        tasks.append(asyncio.create_task(work.do("urgent", 0)))
        await settled()
        work.go.set()
        await asyncio.gather(*tasks)
        assert [name for name, _ in work.had] == ["first", "hourly", "urgent"]

    ran(scenario())


@pytest.mark.parametrize("given", [False, True])
def test_a_turn_of_who_is_gone_is_the_next_ones(given: bool) -> None:
    async def scenario() -> None:
        work = Work()
        names = (("first", 0.0), ("gone", 1.0), ("next", 2.0))
        tasks = [asyncio.create_task(work.do(*each)) for each in names]
        await settled()
        if given:  # cancelled when its turn has come, before it could begin
            work.go.set()
            await asyncio.sleep(0)
        tasks[1].cancel()
        work.go.set()
        await asyncio.gather(tasks[0], tasks[2])
        assert [name for name, _ in work.had if name != "gone"] == ["first", "next"]
        async with work.turns.turn(0) as waited_s:
            assert waited_s == 0

    ran(scenario())


def test_a_turn_that_fails_is_over() -> None:
    async def scenario() -> None:
        work = Work()
        with pytest.raises(OSError, match="full"):
            async with work.turns.turn(0):
                raise OSError("full")
        async with work.turns.turn(0) as waited_s:
            assert waited_s == 0

    ran(scenario())
