"""Works that run together end together."""

from __future__ import annotations

import asyncio

import pytest

from marketstream.together import together


def test_the_first_failure_is_raised_as_it_is_once_the_others_are_stopped() -> None:
    ended: list[str] = []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("waits")

    async def fails() -> None:
        raise ValueError("no good")

    with pytest.raises(ValueError, match="no good"):
        asyncio.run(together([waits(), fails()]))
    assert ended == ["waits"]


def test_all_of_them_run_to_their_end() -> None:
    ended: list[int] = []

    async def work(number: int) -> None:
        await asyncio.sleep(0.001 * number)
        ended.append(number)

    asyncio.run(together(work(number) for number in (3, 1, 2)))
    assert sorted(ended) == [1, 2, 3]
