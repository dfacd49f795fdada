"""Runs one part as a process on Kafka: its stage or what it keeps, and its work beside."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from marketstream.ports import Part, Work
from marketstream.runners.kafka.heard import HeardOnceKept
from marketstream.runners.kafka.hearing import Hearing
from marketstream.runners.kafka.keeper import KafkaKeeper
from marketstream.runners.kafka.ports import KafkaPorts
from marketstream.runners.kafka.runner import KafkaRunner
from marketstream.runners.kafka.signals import told_to_end
from marketstream.runners.kafka.tap import KafkaTap


class _Driver(Protocol):
    def run(self) -> None: ...

    def stop(self) -> None: ...


def run_part(part: Part, ports: KafkaPorts, ready: Callable[[], None]) -> None:
    """Run a part until SIGINT or SIGTERM, in the main thread; `ready` is called once it is made.

    What it has stages for, or keeps, is driven here, and its work in an event loop of another
    thread; a part that only works has its event loop here. What ends the one ends the other.
    """
    if part.keep is not None and ports.listening:
        heard = HeardOnceKept(part, part.keep, ports.listening)
        part = replace(part, keep=heard.keep, work=heard.work)
    driver = _driver(part, ports)
    if driver is None:
        asyncio.run(_work_alone(part, ports, ready))
        return
    ready()
    with _beside(part.work, driver.stop), told_to_end(ports.ending.set):
        try:
            driver.run()
        finally:
            ports.ending.set()


def _driver(part: Part, ports: KafkaPorts) -> _Driver | None:
    if part.keep is not None:
        return KafkaKeeper(
            part.name, part.keeps, part.keep, ports.kafka, ports.metrics, ports.publish,
            markets=ports.plan.markets,
        )  # fmt: skip
    if not part.stages:
        return None
    (stage,) = part.stages
    runner = KafkaRunner(
        stage, ports.kafka, ports.metrics, group_of=ports.plan.group_of, markets=ports.plan.markets
    )
    for topics, tap in ports.listening:
        for topic in topics:
            if topic not in (*stage.reads, *stage.writes):
                raise ValueError(f"stage {stage.name} neither reads nor writes {topic.name}")
            runner.tap(topic, tap)
    return runner


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


async def _work_alone(part: Part, ports: KafkaPorts, ready: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    tasks: set[asyncio.Task[None]] = set()
    ears = None
    if ports.listening:
        # Listening begins here: what the work reads of the past has no seam with it.
        hearing = Hearing(ports.listening)
        ears = await asyncio.to_thread(KafkaTap, ports.kafka, hearing.topics, hearing.put)
        tasks.add(loop.create_task(asyncio.to_thread(ears.run)))
        tasks.add(loop.create_task(hearing.run()))
    if part.work is not None:
        tasks.add(loop.create_task(part.work()))
    stopping = loop.create_task(stop.wait())
    ready()
    done, _ = await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if ears is not None:
        ears.stop()
    for task in (*tasks, stopping):
        task.cancel()
    ports.ending.set()
    await asyncio.wait({*tasks, stopping})
    for task in done | tasks:
        if not task.cancelled():
            task.result()
