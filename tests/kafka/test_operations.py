"""The procedures of docs/operations.md, as they stand there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import create_engine

from marketstream.messages import Candle, Features
from marketstream.runners.kafka.connection import connect
from marketstream.runners.kafka.reading import extents, read_between
from marketstream.runners.kafka.reset import READS
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.store.schema import alembic_config
from marketstream.store.sql import open_store
from marketstream.store.testing import PostgresServer
from marketstream.topics import FEATURES
from realtime_training.commands.reset import STAGES

from .stages import stages
from .system import MakeSystem, System
from .test_services import now_ms

BTC = "binance:BTC/USDT"
ALWAYS = (0, 2**62)


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, check=False, capture_output=True, text=True, env={**os.environ, **environment}
    )


def reset(broker: str, stage: str, place: str) -> subprocess.CompletedProcess[str]:
    return run(
        *(sys.executable, "-m", "realtime_training", "reset", stage, "--from", place, "--json"),
        KAFKA_BROKER=broker,
        KAFKA_SESSION_TIMEOUT_MS="3000",
    )


def second(number: int) -> Candle:
    open_ms = number * 1_000
    return Candle(BTC, "1s", open_ms, open_ms + 1_000, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1, 0.0, 0.0)


def started(make_system: MakeSystem) -> System:
    """Start what makes and keeps candles and features; return it once it is in the present."""
    system = make_system(("BTC/USDT", "ETH/USDT"), 100.0, {"trades": {"history_minutes": 2}})
    for service in ("trades", "candles", "technical_indicators", "storekeeper"):
        system.start(service)
    system.wait_for("candles", lambda: all(system.candles(market) for market in system.markets))
    wait_for_more(system)
    return system


def wait_for_more(system: System) -> dict[str, int]:
    """Wait until candles of now are stored; return the last close of each market."""
    seen = now_ms()

    def last_ms(market: str) -> int:
        return max((candle.close_time_ms for candle in system.candles(market)), default=0)

    system.wait_for("later candles", lambda: all(last_ms(m) > seen for m in system.markets))
    return {market: last_ms(market) for market in system.markets}


def vectors(broker: str, market: str) -> list[Features]:
    """Return the feature vectors of closed seconds on the topic, in the order they were written."""
    application = connect(KafkaSettings(broker=broker), "test")
    decode = msgspec.json.Decoder(Features).decode
    read = [
        decode(raw.value())
        for extent in extents(application, FEATURES.name)
        for raw in read_between(application, FEATURES.name, extent)
        if raw.key() == market.encode()
    ]
    return [features for features in read if features.timeframe == "1s" and not features.forming]


def vectors_until(broker: str, market: str, close_time_ms: int) -> list[Features]:
    """Wait until there is a vector of a close; return all of them."""
    deadline = time.monotonic() + 60
    while (written := vectors(broker, market))[-1].close_time_ms < close_time_ms:
        assert time.monotonic() < deadline
    return written


def test_stages_that_can_be_reset_read_what_their_services_read(tmp_path: Path) -> None:
    assert {stage.name: stage.reads for stage in stages(tmp_path)} == {
        name: topics for name, topics in READS.items() if name != "storekeeper"
    }
    assert list(READS) == list(STAGES)


@pytest.mark.kafka
def test_candles_and_features_are_made_again_from_the_trades_topic(
    make_system: MakeSystem, broker: str, server: PostgresServer
) -> None:
    system = started(make_system)
    refused = reset(broker, "candles", "earliest")
    assert (refused.returncode, refused.stdout) == (4, "")
    assert "stage candles still has 1 worker: stop all of them" in refused.stderr
    for service in ("candles", "technical_indicators"):
        assert system.stop(service) == 0
    before = {market: system.candles(market) for market in system.markets}
    said = {market: vectors(broker, market) for market in system.markets}
    first_ms = max(candles[0].close_time_ms for candles in before.values())
    database = system._store_url.partition("@/")[2].partition("?")[0]
    server.execute(f"DELETE FROM candles WHERE open_time_ms >= {first_ms}", database)
    assert max(len(system.candles(market)) for market in system.markets) < 10

    shutil.rmtree(system.folder / "technical_indicators-state")  # candles' is there, and too new
    for stage, place in (("candles", "earliest"), ("technical_indicators", "latest")):
        done = reset(broker, stage, place)
        assert done.returncode == 0, done.stderr
        assert (json.loads(done.stdout)["messages"] > 0) is (place == "earliest")
    for service in ("candles", "technical_indicators"):
        system.start(service)
    until = wait_for_more(system)
    for market, candles in before.items():
        again = {candle.open_time_ms: candle for candle in system.candles(market)}
        assert [again.get(candle.open_time_ms) for candle in candles] == candles
        system.assert_equal_to_the_ledger(market, until[market])
        written = vectors_until(broker, market, until[market])
        assert written[: len(said[market])] == said[market]
        anew = {features.close_time_ms: features for features in written[len(said[market]) :]}
        assert [anew[one.close_time_ms] for one in said[market][1:]] == said[market][1:]


@pytest.mark.kafka
def test_a_state_folder_that_is_lost_costs_no_candle(make_system: MakeSystem, broker: str) -> None:
    system = started(make_system)
    for service in ("candles", "technical_indicators"):
        system.kill(service)
        shutil.rmtree(system.folder / f"{service}-state")
        system.start(service)
    until = wait_for_more(system)
    for market in system.markets:
        candles = system.assert_equal_to_the_ledger(market, until[market])
        written = vectors_until(broker, market, until[market])
        closes = [features.close_time_ms for features in written]
        assert {candle.close_time_ms for candle in candles[1:]} <= set(closes)


@contextmanager
def writing(url: str) -> Iterator[Callable[[], int]]:
    """Write candles one after the other meanwhile; gives how many there are so far."""
    store, stop, written = open_store(url), threading.Event(), [0]

    def write() -> None:
        while not stop.is_set():
            store.write([second(written[0])])
            written[0] += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        while written[0] < 100:
            thread.join(0.01)
        yield lambda: written[0]
    finally:
        stop.set()
        thread.join()
        store.close()


def assert_restored(url: str, at_least: int) -> None:
    """A backup has what was written when it began, nothing twice, and can be gone on with."""
    store = open_store(url)
    try:
        candles = store.candles(BTC, "1s", *ALWAYS)
        assert len(candles) >= at_least
        assert candles == [second(number) for number in range(len(candles))]
        store.write([second(0), second(len(candles))])
        assert store.counts()["candles"] == len(candles) + 1
    finally:
        store.close()


def test_a_dump_of_postgresql_is_taken_and_restored_while_services_write(
    server: PostgresServer, tmp_path: Path
) -> None:
    database, empty = server.new_database(), server.new_database()
    dump, programs = tmp_path / "store.dump", Path(server._program.bin_path)
    with writing(server.url(database)) as written:
        at_least = written()
        dumped = run(
            *(programs / "pg_dump", "--format", "custom", "--file", dump, server.url(database)),
        )
    assert dumped.returncode == 0, dumped.stderr
    restored = run(
        *(programs / "pg_restore", "--exit-on-error", "--no-owner"),
        *("--dbname", server.url(empty), dump),
    )
    assert restored.returncode == 0, restored.stderr
    assert_restored(server.url(empty), at_least)


def test_a_copy_of_the_sqlite_file_is_taken_while_a_run_writes(tmp_path: Path) -> None:
    path, copy = tmp_path / "realtime.sqlite", tmp_path / "copy.sqlite"
    with writing(f"sqlite:///{path}") as written:
        at_least = written()
        copied = run(sys.executable, "-m", "sqlite3", path, f"VACUUM INTO '{copy}'")
    assert copied.returncode == 0, copied.stderr
    assert_restored(f"sqlite:///{copy}", at_least)


OPEN = "import sys; from marketstream.store.sql import open_store; open_store(sys.argv[1]).close()"


def test_processes_that_start_at_once_migrate_an_empty_database_once(
    server: PostgresServer,
) -> None:
    database = server.new_database()
    opening = [
        subprocess.Popen([sys.executable, "-c", OPEN, server.url(database)], stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    said = [process.communicate()[1].decode() for process in opening]
    assert [process.returncode for process in opening] == [0] * 4
    assert "".join(said).count("Store schema upgraded") == 1
    assert len(server.execute("SELECT version_num FROM realtime_schema", database)) == 1


def test_what_runs_goes_on_while_a_newer_version_adds_a_column(server: PostgresServer) -> None:
    database = server.new_database()
    with writing(server.url(database)) as written:
        server.execute("ALTER TABLE candles ADD COLUMN spread DOUBLE PRECISION", database)
        server.execute("UPDATE realtime_schema SET version_num = '9999'", database)
        at_least = written()
        while written() < at_least + 50:
            threading.Event().wait(0.01)
    refused = run(sys.executable, "-c", OPEN, server.url(database))
    assert "has schema 9999, newer than this program's" in refused.stderr


def test_a_schema_goes_back_to_an_older_version_and_keeps_the_rows(server: PostgresServer) -> None:
    from alembic import command

    url = server.url(server.new_database())
    store = open_store(url)
    store.write([second(0)])
    store.close()
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        command.downgrade(alembic_config(connection), "0001")
    engine.dispose()
    store = open_store(url)  # and up again, as the newer program does
    assert store.candles(BTC, "1s", *ALWAYS) == [second(0)]
    store.close()
