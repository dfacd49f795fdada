"""A candles worker in a process of its own, which notes when each message came."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import NamedTuple

from prometheus_client import CollectorRegistry

from candles.stage import candles_stage
from marketstream.child import Child
from marketstream.errors import RealtimeError
from marketstream.messages import Trades
from marketstream.metrics import Metrics
from marketstream.runners.kafka.runner import KafkaRunner
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.topics import Topic

TIMEFRAMES = ("250ms", "1s")


class Worked(NamedTuple):
    """When messages with trades came (ns of the monotonic clock, one for all processes).

    `cpu_s` is what the process used from the first of them until it was told to finish.
    """

    at_ns: list[int]
    cpu_s: float


class Worker:
    """Its `connection` brings the market of each message without trades: a partition's end."""

    def __init__(self, group: str, reads: Topic, writes: Topic, settings: KafkaSettings) -> None:
        self._child = Child("candles", _work, group, reads, writes, settings)

    @property
    def connection(self) -> Connection:
        """What it says, a RealtimeError included."""
        return self._child.connection

    def start(self) -> None:
        """Have it join its group."""
        self.connection.send("start")

    def finish(self) -> None:
        """Have it commit and say what it has worked."""
        self.connection.send("finish")

    def stop(self) -> None:
        """End the process."""
        self._child.stop()


def _work(
    connection: Connection, group: str, reads: Topic, writes: Topic, settings: KafkaSettings
) -> None:
    stage = replace(candles_stage(list(TIMEFRAMES)), name=group, reads=(reads,), writes=(writes,))
    at_ns: list[int] = []
    cpu_s = [0.0, 0.0]  # at the first message, and in the end

    def read(message: Trades, _received_ns: int) -> None:
        if message.trades:
            if not at_ns:
                cpu_s[0] = time.process_time()
            at_ns.append(time.monotonic_ns())
        else:
            connection.send(message.market)

    def wait_for_the_end() -> None:
        try:
            connection.recv()
        except EOFError:
            pass  # the parent is gone
        finally:
            cpu_s[1] = time.process_time()
            runner.stop()

    try:
        runner = KafkaRunner(stage, settings, Metrics(CollectorRegistry()))
        runner.tap(reads, read)
        connection.send("ready")
        connection.recv()
        threading.Thread(target=wait_for_the_end, daemon=True).start()
        runner.run()
        connection.send(Worked(at_ns, cpu_s[1] - cpu_s[0]))
    except RealtimeError as error:
        connection.send(error)
