"""A server that goes away comes back to everything that was written, once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest
from loguru import logger

from marketstream.errors import StateError, TransientStateError
from marketstream.messages import DeadLetter
from marketstream.store.sql import SqlStore, open_store
from marketstream.store.testing import PostgresServer
from marketstream.store.writer import StoreWriter

ROWS = 1_000
TERMINATE = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{}'"


@pytest.fixture
def url(postgres: PostgresServer, database: str) -> str:
    return postgres.url(database)


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def crashing(postgres: PostgresServer, database: str) -> Iterator[PostgresServer]:
    """The server, which runs again before the database is dropped."""
    yield postgres
    postgres.start()


@contextmanager
def trouble() -> Iterator[threading.Event]:
    """Tell when the store was found out of reach."""
    met = threading.Event()
    handler = logger.add(
        lambda message: met.set(), filter=lambda record: "trying again" in record["message"]
    )
    try:
        yield met
    finally:
        logger.remove(handler)


def letter(number: int) -> DeadLetter:
    return DeadLetter("binance", b"%d" % number, "why", number)


def wait_for_rows(store: SqlStore, count: int) -> None:
    found = -1
    while found < count:
        with suppress(TransientStateError):  # the server is not back yet
            found = store.counts()["dead_letters"]


def write_through(store: SqlStore, disturb: Callable[[], object]) -> None:
    """Write rows without a pause, with a disturbance after ROWS and one after twice as many."""
    count = 0
    disturbed = threading.Event()
    with StoreWriter(store.write, batch=20, interval_s=0.01, limit=100) as writer:

        def put_all() -> None:
            nonlocal count
            while not disturbed.is_set():
                writer.put(letter(count))
                count += 1

        producer = threading.Thread(target=put_all)
        producer.start()
        for part in (1, 2):
            wait_for_rows(store, part * ROWS)
            disturb()
        disturbed.set()
        producer.join()
        writer.flush()
        assert store.dead_letters(2 * count) == [letter(n) for n in reversed(range(count))]


def test_nothing_is_lost_or_doubled_when_the_server_crashes(
    crashing: PostgresServer, store: SqlStore
) -> None:
    def crash_and_start() -> None:
        with trouble() as met:
            crashing.crash()
            assert met.wait(60)
            crashing.start()

    write_through(store, crash_and_start)


def test_nothing_is_lost_or_doubled_when_connections_are_terminated(
    postgres: PostgresServer, database: str, store: SqlStore
) -> None:
    terminated = 0

    def terminate() -> None:
        nonlocal terminated
        for _ in range(20):
            terminated += postgres.execute(TERMINATE.format(database))[0][0]

    write_through(store, terminate)
    assert terminated > 2


def test_broken_connection_is_replaced_before_it_is_used(
    postgres: PostgresServer, database: str, store: SqlStore
) -> None:
    store.write([letter(1)])
    assert postgres.execute(TERMINATE.format(database))[0][0] >= 1
    store.write([letter(2)])
    assert store.counts()["dead_letters"] == 2


def test_row_that_somebody_has_locked_is_written_once_it_is_free(
    database: str, postgres: PostgresServer
) -> None:
    store = open_store(postgres.url(database) + "&options=-c%20lock_timeout%3D20ms")
    with (
        psycopg.connect(postgres.url(database)) as other,
        StoreWriter(store.write) as writer,
        trouble() as met,
    ):
        other.execute("LOCK TABLE dead_letters IN EXCLUSIVE MODE")
        writer.put(letter(1))
        assert met.wait(60)
        other.rollback()
        writer.flush()
    assert store.counts()["dead_letters"] == 1
    store.close()


def test_two_who_write_the_same_rows_in_opposite_order_both_succeed(url: str) -> None:
    letters = [letter(number) for number in range(500)]

    def write(rows: list[DeadLetter]) -> None:
        store = open_store(url)
        with StoreWriter(store.write, batch=100) as writer:
            for row in rows:
                writer.put(row)
        store.close()

    threads = [threading.Thread(target=write, args=(rows,)) for rows in (letters, letters[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store = open_store(url)
    assert store.dead_letters(1_000) == letters[::-1]
    store.close()


def test_writer_says_what_it_waited_for_when_its_patience_ends(
    crashing: PostgresServer, store: SqlStore
) -> None:
    writer = StoreWriter(store.write, interval_s=600, patience_s=0.2)
    crashing.crash()
    writer.put(letter(1))
    with pytest.raises(StateError, match=r"rows were not stored: PostgreSQL at .* cannot be reach"):
        writer.flush()
    with pytest.raises(StateError, match="rows were not stored"):
        writer.close()


def test_server_that_starts_a_moment_later_is_waited_for(
    crashing: PostgresServer, url: str
) -> None:
    crashing.crash()
    with trouble() as met:

        def start() -> None:
            met.wait(60)
            crashing.start()

        starting = threading.Thread(target=start)
        starting.start()
        store = open_store(url)
        starting.join()
    assert store.counts()["dead_letters"] == 0
    store.close()
