"""A service that is told to end does so whatever it waits in."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from marketstream.errors import TransientStateError
from marketstream.metrics import Metrics
from marketstream.plan import PlanSettings
from marketstream.runners.kafka.ports import KafkaPorts
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.runners.kafka.signals import told_to_end
from marketstream.store.sql import SqlStore, open_store

AWAY = "postgresql://somebody@/market?host=/nowhere"


def ports_of(folder: Path, opened: Callable[[threading.Event], SqlStore]) -> KafkaPorts:
    plan, metrics = PlanSettings().plan(), Metrics(CollectorRegistry())
    return KafkaPorts(KafkaSettings(), plan, metrics, folder, opened)


def test_signal_is_told_while_the_main_thread_waits_and_its_handler_goes_on() -> None:
    handled: list[int] = []
    told = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda number, _: handled.append(number))
    try:
        with told_to_end(told.set):
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM)).start()
            assert told.wait(60)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert handled == [signal.SIGTERM]


def test_other_signals_are_not_told() -> None:
    told = threading.Event()
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with told_to_end(told.set):
            os.kill(os.getpid(), signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert not told.is_set()


def test_all_who_wait_for_a_store_hear_of_one_failure(tmp_path: Path) -> None:
    tries: list[int] = []
    asking = threading.Barrier(4)

    def opened(ending: threading.Event) -> SqlStore:
        tries.append(1)
        return open_store(AWAY, patience_s=2.0, ending=ending)

    ports = ports_of(tmp_path, opened)
    failures: list[Exception] = []

    def ask() -> None:
        asking.wait()
        try:
            ports.store()
        except TransientStateError as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert len(failures) == 4
    assert len({str(error) for error in failures}) == 1
    assert len(tries) < 4


def test_who_ends_waits_for_no_store_however_many_threads_do(tmp_path: Path) -> None:
    ports = ports_of(tmp_path, lambda ending: open_store(AWAY, patience_s=600, ending=ending))
    failures: list[Exception] = []

    def ask() -> None:
        try:
            ports.store()
        except TransientStateError as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    started_s = time.monotonic()
    for thread in threads:
        thread.start()
    ports.ending.set()
    for thread in threads:
        thread.join(300)
    assert time.monotonic() - started_s < 300
    assert len(failures) == 4
    with pytest.raises(TransientStateError, match="the service ends"):
        ports.store()
