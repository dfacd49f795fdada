"""What a part keeps and listens to is heard once it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from marketstream.errors import TransientStateError
from marketstream.messages import Gap, Stall
from marketstream.ports import Part
from marketstream.runners.kafka.heard import HeardOnceKept
from marketstream.topics import GAPS, STALLS

MARKET = "binance:BTC/USDT"
WITHIN_S = 30.0


def gap(number: int) -> Gap:
    return Gap(MARKET, number, number + 1, number, number, "repaired")


def test_batch_is_heard_once_it_is_kept_and_only_what_is_listened_to() -> None:
    kept: list[Any] = []
    heard: list[tuple[Any, int]] = []
    is_away = True

    def keep(messages: Sequence[Any]) -> None:
        if is_away:
            raise TransientStateError("away")
        kept.extend(messages)

    async def works() -> None:
        nonlocal is_away
        both = asyncio.Event()

        def tap(message: Gap, received_ns: int) -> None:
            assert message in kept
            heard.append((message, received_ns))
            if len(heard) == 2:
                both.set()

        one = HeardOnceKept(Part("keeper", keeps=(GAPS, STALLS)), keep, [([GAPS], tap)])
        working = asyncio.create_task(one.work())
        await asyncio.sleep(0)
        batch = [gap(1), Stall(MARKET, 1, "trades"), gap(2)]
        with pytest.raises(TransientStateError):
            await asyncio.to_thread(one.keep, batch, [7, 0, 9])
        is_away = False
        async with asyncio.timeout(WITHIN_S):
            await asyncio.to_thread(one.keep, batch, [7, 0, 9])
            await both.wait()
        working.cancel()
        await asyncio.wait([working])
        await asyncio.to_thread(one.keep, [gap(3)], [0])  # as the last batch of a stop

    asyncio.run(works())
    assert heard == [(gap(1), 7), (gap(2), 9)]
    assert [one for one in kept if type(one) is Gap] == [gap(1), gap(2), gap(3)]


def test_work_that_fails_is_raised_as_it_is() -> None:
    async def work() -> None:
        raise TransientStateError("away")

    one = HeardOnceKept(Part("keeper", work=work, keeps=(GAPS,)), lambda _: None, [([GAPS], print)])
    with pytest.raises(TransientStateError, match="away"):
        asyncio.run(one.work())
