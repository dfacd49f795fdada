"""What is heard in another thread is told in the event loop."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from marketstream.messages import Learning, Status
from marketstream.runners.kafka.hearing import Hearing
from marketstream.topics import GAPS, STATUS

WITHIN_S = 30.0


def status(number: int) -> Status:
    return Status("binance:BTC/USDT", "predictor", Learning(number, 1, book=True, trainings={}))


def test_all_is_heard_in_order_in_the_thread_of_the_loop() -> None:
    heard: list[tuple[Any, int]] = []
    threads: set[int] = set()

    async def hearing() -> None:
        everything = asyncio.Event()

        def tap(message: Any, received_ns: int) -> None:
            threads.add(threading.get_ident())
            heard.append((message, received_ns))
            if len(heard) == 1_000:
                everything.set()

        ears = Hearing([([STATUS], tap), ([GAPS], tap)])
        assert ears.topics == [STATUS, GAPS]
        running = asyncio.ensure_future(ears.run())
        async with asyncio.timeout(WITHIN_S):
            await asyncio.to_thread(lambda: [ears.put(status(n), n) for n in range(1_000)])
            await everything.wait()
        running.cancel()

    asyncio.run(hearing())
    assert heard == [(status(number), number) for number in range(1_000)]
    assert threads == {threading.get_ident()}


def test_what_fails_in_a_tap_ends_it_rather_than_leaving_it_deaf() -> None:
    def tap(message: Status, received_ns: int) -> None:
        raise ValueError(f"{message.part} at {received_ns}")

    async def hearing() -> None:
        ears = Hearing([([STATUS], tap)])
        await asyncio.to_thread(ears.put, status(1), 7)
        async with asyncio.timeout(WITHIN_S):
            await ears.run()

    with pytest.raises(ValueError, match="predictor at 7"):
        asyncio.run(hearing())
