"""Runs one part as a process on Kafka: its stage or what it keeps, and its work beside."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

from marketstream.ports import Part, Work
from marketstream.runners.kafka.heard import HeardOnceKept
from marketstream.runners.kafka.hearing import Hearing, Listening
from marketstream.runners.kafka.keeper import KafkaKeeper, Keep
from marketstream.runners.kafka.ports import KafkaPorts
from marketstream.runners.kafka.runner import KafkaRunner
from marketstream.runners.kafka.signals import told_to_end
from marketstream.runners.kafka.tap import KafkaTap
from marketstream.topics import Topic


class _Driver(Protocol):
    def run(self) -> None: ...

    def stop(self) -> None: ...


def run_part(part: Part, ports: KafkaPorts, ready: Callable[[], None]) -> None:
    """Run a part until SIGINT or SIGTERM, in the main thread; `ready` is called once it is made.

    What it has stages for, or keeps, is driven here, and its work in an event loop of another
    thread, where it hears what its stages neither read nor write; a part that only works has its
    event loop here. What ends the one ends the other.
    """
    kept = _listening(ports, lambda topic: topic in part.keeps)
    keep = None if part.keep is None else _unstamped(part.keep)
    if part.keep is not None and kept:
        heard = HeardOnceKept(part, part.keep, kept)
        part, keep = replace(part, work=heard.work), heard.keep
    driver, carried = _driver(part, keep, ports)
    beside = _listening(ports, lambda topic: topic not in carried)
    if driver is None:
        asyncio.run(_work_alone(_Work(part.work, beside, ports, ready), ports))
        return
    if part.work is not None:
        ports.connect()
    ready()
    work = _Work(part.work, beside, ports, _nothing).run if beside else part.work
    with _beside(work, driver.stop), told_to_end(ports.ending.set):
        try:
            driver.run()
        finally:
            ports.ending.set()


def _listening(ports: KafkaPorts, chosen: Callable[[Topic], bool]) -> Listening:
    """Return who listens to some of the topics."""
    return [
        (some, tap)
        for topics, tap in ports.listening
        if (some := [topic for topic in topics if chosen(topic)])
    ]


def _unstamped(keep: Callable[[Sequence[Any]], None]) -> Keep:
    return lambda messages, _received_ns: keep(messages)


def _driver(
    part: Part, keep: Keep | None, ports: KafkaPorts
) -> tuple[_Driver | None, Sequence[Topic]]:
    """Return what drives a part, and the topics of which it tells those who listen."""
    if keep is not None:
        keeper = KafkaKeeper(
            part.name, part.keeps, keep, ports.kafka, ports.metrics, ports.publish,
            markets=ports.plan.markets,
        )  # fmt: skip
        return keeper, part.keeps
    if not part.stages:
        return None, ()
    (stage,) = part.stages
    runner = KafkaRunner(
        stage, ports.kafka, ports.metrics, group_of=ports.plan.group_of, markets=ports.plan.markets
    )
    carried = (*stage.reads, *stage.writes)
    for topics, tap in ports.listening:
        for topic in topics:
            if topic in carried:
                runner.tap(topic, tap)
    return runner, carried


class _Work:
    """A part's work, and hearing what is published meanwhile; `ready` once nothing is missed."""

    def __init__(
        self, work: Work | None, listening: Listening, ports: KafkaPorts, ready: Callable[[], None]
    ) -> None:
        self._work = work
        self._listening = listening
        self._ports = ports
        self._ready = ready

    async def run(self) -> None:
        """Do it until one of both ends; raises what ended it."""
        tasks: set[asyncio.Task[None]] = set()
        loop = asyncio.get_running_loop()
        ears = None
        if self._listening:
            # Listening begins here: what the work reads of the past has no seam with it.
            hearing = Hearing(self._listening)
            ears = await asyncio.to_thread(KafkaTap, self._ports.kafka, hearing.topics, hearing.put)
            tasks.add(loop.create_task(asyncio.to_thread(ears.run)))
            tasks.add(loop.create_task(hearing.run()))
        if self._work is not None:
            tasks.add(loop.create_task(self._work()))
        self._ready()
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if ears is not None:
                ears.stop()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                task.result()


@contextmanager
def _beside(work: Work | None, stop: Callable[[], None]) -> Iterator[None]:
    """Have work done in an event loop of a thread of its own; its failure is raised at the end."""
    if work is None:
        yield
        return
    failures: list[BaseException] = []
    loop = asyncio.new_event_loop()
    task = loop.create_task(work())

    def run() -> None:
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            pass
        except BaseException as error:  # noqa: BLE001 - kept, and raised where the part was started
            failures.append(error)
            stop()
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    thread = threading.Thread(target=run, name="work", daemon=True)
    thread.start()
    try:
        yield
    finally:
        if thread.is_alive():
            loop.call_soon_threadsafe(task.cancel)
        thread.join()
    for failure in failures:
        raise failure


async def _work_alone(work: _Work, ports: KafkaPorts) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    working, stopping = loop.create_task(work.run()), loop.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    for task in (working, stopping):
        task.cancel()
    ports.ending.set()
    await asyncio.wait({working, stopping})
    if not working.cancelled():
        working.result()


def _nothing() -> None:
    """Be ready already."""
