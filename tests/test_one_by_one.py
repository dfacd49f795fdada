"""Work that the API has done in threads: one piece after the other, and none that nobody awaits."""

from __future__ import annotations

import asyncio
import time
from threading import Event

import pytest

from marketstream.errors import TransientStateError
from realtime_training.one_by_one import OneByOne


def test_what_nobody_awaits_is_told_so_and_the_next_waits_until_it_has_ended() -> None:
    began, ended = Event(), Event()

    def long(given_up: Event) -> None:
        began.set()
        assert given_up.wait(10)
        time.sleep(0.1)
        ended.set()
        raise OSError("whatever becomes of it")

    def next_one(_given_up: Event, text: str) -> tuple[str, bool]:
        return text, ended.is_set()

    async def both() -> tuple[str, bool]:
        turns = OneByOne("too many")
        doing = asyncio.create_task(turns.do(long))
        await asyncio.to_thread(began.wait)
        following = asyncio.create_task(turns.do(next_one, "next"))
        await asyncio.sleep(0)
        doing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await doing
        return await following

    assert asyncio.run(both()) == ("next", True)


def test_whoever_gives_up_before_their_turn_leaves_their_place() -> None:
    def wait(_given_up: Event, until: Event) -> str:
        until.wait(10)
        return "done"

    async def many() -> list[str]:
        turns, until = OneByOne("too many at once"), Event()
        waiting = [asyncio.create_task(turns.do(wait, until)) for _ in range(8)]
        await asyncio.sleep(0)
        with pytest.raises(TransientStateError, match="too many at once"):
            await turns.do(wait, until)
        waiting.pop().cancel()
        await asyncio.sleep(0)
        waiting.append(asyncio.create_task(turns.do(wait, until)))
        await asyncio.sleep(0)
        until.set()
        return await asyncio.gather(*waiting)

    assert asyncio.run(many()) == ["done"] * 8
