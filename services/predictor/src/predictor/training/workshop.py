"""The side of learning that waits: the training process, and what is published, in one loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

from predictor.training.process import TrainerProcess

_EVERY_S = 1.0

type Order = Callable[[TrainerProcess], Coroutine[Any, Any, None] | None]
"""Something to be done in the loop, or begun: what it returns runs beside the orders after it."""


class Workshop:
    """Does what it is ordered to in the event loop of `run`, whichever thread orders it."""

    def __init__(self, open_trainer: Callable[[], TrainerProcess]) -> None:
        self._open_trainer = open_trainer
        self._orders: SimpleQueue[Order] = SimpleQueue()
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def order(self, order: Order) -> None:
        """Have something done soon; before `run`, once that begins."""
        self._orders.put(order)
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(self._wake.set)

    async def run(self, each_second: Callable[[], Awaitable[None]]) -> None:
        """Work until cancelled; the training process ends with it."""
        loop = asyncio.get_running_loop()
        trainer = self._open_trainer()
        begun: set[asyncio.Task[None]] = set()
        self._loop = loop
        due_s = loop.time()
        try:
            while True:
                while not self._orders.empty():
                    work = self._orders.get()(trainer)
                    if work is not None:
                        begun.add(task := loop.create_task(work))
                        task.add_done_callback(begun.discard)
                if loop.time() >= due_s:
                    due_s = loop.time() + _EVERY_S
                    await each_second()
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(due_s):
                        await self._wake.wait()
                self._wake.clear()
        finally:
            self._loop = None
            for task in begun:
                task.cancel()
            trainer.stop()
