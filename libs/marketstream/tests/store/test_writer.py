"""The writer keeps the hot path free, loses nothing, and says what went wrong."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from loguru import logger
from prometheus_client import CollectorRegistry

from marketstream.errors import StateError
from marketstream.messages import DeadLetter
from marketstream.metrics import Metrics
from marketstream.store.sql import SqlStore, open_store
from marketstream.store.writer import StoreWriter


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "realtime.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[SqlStore]:
    opened = open_store(f"sqlite:///{path}")
    yield opened
    opened.close()


def letter(time: int) -> DeadLetter:
    return DeadLetter("binance", b"{", "why", time)


def break_store(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE dead_letters")


def test_flush_waits_until_everything_put_is_written(store: SqlStore) -> None:
    with StoreWriter(store.write, batch=7, interval_s=60) as writer:
        for time in range(100):
            writer.put(letter(time))
        writer.flush()
        assert store.counts()["dead_letters"] == 100


def test_flush_waits_no_longer_than_it_may_and_says_so(store: SqlStore, path: Path) -> None:
    registry = CollectorRegistry()
    with StoreWriter(store.write, metrics=Metrics(registry)) as writer:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # the store can't write until this one lets go
            writer.put(letter(1))
            assert not writer.flush(0.05)
            assert registry.get_sample_value("realtime_store_queue_rows") == 1
            other.execute("ROLLBACK")
        assert writer.flush()
        assert registry.get_sample_value("realtime_store_queue_rows") == 0


def test_flush_with_nothing_put_returns_at_once(store: SqlStore) -> None:
    with StoreWriter(store.write, interval_s=60) as writer:
        writer.flush()
        writer.flush()


def test_close_writes_what_is_left(store: SqlStore) -> None:
    writer = StoreWriter(store.write, interval_s=60)
    for time in range(3):
        writer.put(letter(time))
    writer.close()
    writer.close()
    assert store.counts()["dead_letters"] == 3


def test_full_batch_is_written_without_waiting_for_the_interval(store: SqlStore) -> None:
    metrics = Metrics(CollectorRegistry())
    with StoreWriter(store.write, batch=10, interval_s=600, metrics=metrics) as writer:
        for time in range(10):
            writer.put(letter(time))
        while store.counts()["dead_letters"] < 10:
            pass


def test_part_of_a_batch_is_written_after_the_interval(store: SqlStore) -> None:
    with StoreWriter(store.write, batch=10, interval_s=0.01) as writer:
        writer.put(letter(1))
        while store.counts()["dead_letters"] < 1:
            pass


def test_rows_of_several_threads_all_arrive(store: SqlStore) -> None:
    with StoreWriter(store.write, batch=50, limit=100) as writer:

        def put(start: int) -> None:
            for time in range(start, start + 500):
                writer.put(letter(time))

        threads = [threading.Thread(target=put, args=(start,)) for start in (0, 500, 1_000)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        writer.flush()
    assert store.counts()["dead_letters"] == 1_500


def test_full_queue_waits_and_warns_once_and_drops_nothing(store: SqlStore, path: Path) -> None:
    registry = CollectorRegistry()
    warnings: list[str] = []
    warned = threading.Event()

    def sink(message: str) -> None:
        warnings.append(message)
        warned.set()

    handler = logger.add(sink, level="WARNING", format="{message}")
    writer = StoreWriter(store.write, limit=5, metrics=Metrics(registry))

    def put_many() -> None:
        for time in range(100):
            writer.put(letter(time))

    producer = threading.Thread(target=put_many)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # the store can't write until this one lets go
        producer.start()
        assert warned.wait(timeout=10)
        other.execute("ROLLBACK")
    producer.join()
    writer.close()
    logger.remove(handler)
    assert store.counts()["dead_letters"] == 100
    assert warnings == ["The store is too slow: rows have to wait\n"]
    assert (registry.get_sample_value("realtime_store_waits_total") or 0) >= 1


def test_limit_below_the_batch_does_not_stop_the_writing(store: SqlStore) -> None:
    with StoreWriter(store.write, batch=1_000, interval_s=600, limit=3) as writer:
        for time in range(10):
            writer.put(letter(time))
    assert store.counts()["dead_letters"] == 10


def test_error_of_the_store_is_raised_by_every_later_call(store: SqlStore, path: Path) -> None:
    writer = StoreWriter(store.write, interval_s=600)
    break_store(path)
    writer.put(letter(1))
    for call in (writer.flush, lambda: writer.put(letter(2)), writer.close):
        with pytest.raises(StateError, match=r"rows were not stored: .*no such table"):
            call()


def test_error_wakes_those_who_wait_for_room(store: SqlStore, path: Path) -> None:
    writer = StoreWriter(store.write, interval_s=600, limit=2)
    break_store(path)

    def put_many() -> None:
        for time in range(1_000):
            writer.put(letter(time))

    with pytest.raises(StateError, match="rows were not stored"):
        put_many()
    with pytest.raises(StateError):
        writer.close()


def test_row_put_after_close_is_refused(store: SqlStore) -> None:
    writer = StoreWriter(store.write)
    writer.close()
    with pytest.raises(StateError, match="is closed"):
        writer.put(letter(1))
