"""What retention costs in PostgreSQL: `python -m realtime_bench.retention --rows 10000000`.

A day of packed predictions, of candles that are rows, as they are where nothing is packed, and of
packed ones are deleted as the storekeeper does it, while somebody writes; beside them the same
candles in a table partitioned by the day, whose oldest partition is dropped.
Needs the server of the tests (`make setup`).
"""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from marketstream.messages import Candle
from marketstream.store.forgetting import Forgettable
from marketstream.store.port import Store
from marketstream.store.sql import open_store
from marketstream.store.testing import PostgresServer, postgres_server
from realtime_bench.figures import percentile

_DAY_MS = 86_400_000
_FIRST_MS = 1_790_000_000_000 // _DAY_MS * _DAY_MS
_MARKETS = 10
_BASES = {"250ms": 250, "1s": 1_000}
_PREDICTIONS_A_CLOSE = 4
_STRETCH_MS, _STRETCH_BYTES = 600_000, 146_000  # of predictions: docs/operations.md's 21 MB a day
_CANDLE_STRETCHES = {"250ms": (150_000, 24_400), "1s": (600_000, 26_200)}  # at 30 trades/s
_PAUSE_S = 0.02  # the storekeeper's between two stretches
_WRITE_EVERY_S = 0.05
_BY_DAY = "PARTITION BY RANGE (open_time_ms)"


def measure(
    rows: int, say: Callable[[str], None], day_ms: int = _DAY_MS, quiet_s: float = 10.0
) -> dict[str, float]:
    """Return seconds that a day's deletion takes with `rows` candles and predictions there."""
    found: dict[str, float] = {}
    days = -(-rows // (_MARKETS * sum(day_ms // length_ms for length_ms in _BASES.values())))
    packed_days = -(-rows // (_MARKETS * _PREDICTIONS_A_CLOSE * day_ms // 1_000))
    with (
        tempfile.TemporaryDirectory() as locks,
        postgres_server(Path(locks)) as server,
    ):
        server.execute("ALTER SYSTEM SET fsync = on")  # as where data matters
        server.execute("SELECT pg_reload_conf()")
        database = server.new_database()
        store = open_store(server.url(database))
        try:
            say(f"{_MARKETS} markets, {days} days of candles")
            _fill_candles(server, database, "candles", days * day_ms)
            say("packed predictions")
            _fill_packed(server, database, packed_days * day_ms)
            server.execute("ANALYZE", database)
            say("writes while nothing is deleted")
            with _writing(server.url(database)) as waits_s:
                time.sleep(quiet_s)
            found |= _waits("quiet", waits_s)
            days_of: dict[Forgettable, tuple[str, ...]] = {
                "predictions": ("1s",),
                "candles": tuple(_BASES),
            }
            for table, timeframes in days_of.items():
                say(f"a day of {table}")
                with _writing(server.url(database)) as waits_s:
                    found |= _forget(store, table, timeframes, day_ms, f"{table}_day")
                found |= _waits(f"{table}_day", waits_s)
            say("a minute of candles")
            until_ms = day_ms + 60_000
            found |= _forget(store, "candles", tuple(_BASES), until_ms, "candles_minute")
            say("a day of packed candles")
            _fill_packed_candles(server, database, day_ms)
            with _writing(server.url(database)) as waits_s:
                found |= _forget(store, "candles", tuple(_BASES), 0, "packed_candles_day")
            found |= _waits("packed_candles_day", waits_s)
            say("a table partitioned by day")
            found |= _drop_a_partition(server, database, days, day_ms)
        finally:
            store.close()
    return found


def _market(number: int) -> str:
    return f"binance:C{number}/USDT"


def _fill_candles(server: PostgresServer, database: str, table: str, length_ms: int) -> None:
    for name, base_ms in _BASES.items():
        server.execute(
            f"INSERT INTO {table} SELECT 'binance:C' || m || '/USDT', '{name}', t, t + {base_ms},"  # noqa: S608
            " 100.5, 101.5, 99.5, 100.25, 12.5, 1256.5, 40, 6.25, 628.5, 100.2, 1.5, 100.3, 2.5,"
            f" 100.4, 100.1, t / 25, t / 25 + 40, 'closed', 0, true, false, 40, 0, NULL"
            f" FROM generate_series(0, {_MARKETS - 1}) m,"
            f" generate_series({_FIRST_MS}, {_FIRST_MS + length_ms - 1}, {base_ms}) t",
            database,
        )


def _fill_packed(server: PostgresServer, database: str, length_ms: int) -> None:
    data = os.urandom(_STRETCH_BYTES).hex()  # deflated already: the server compresses no further
    server.execute(
        "INSERT INTO packed (kind, market, timeframe, from_ms, to_ms, rows, data)"  # noqa: S608
        f" SELECT 'predictions', 'binance:C' || m || '/USDT', '1s', t, t + {_STRETCH_MS},"
        f" {_PREDICTIONS_A_CLOSE * _STRETCH_MS // 1_000}, decode('{data}', 'hex')"
        f" FROM generate_series(0, {_MARKETS - 1}) m,"
        f" generate_series({_FIRST_MS}, {_FIRST_MS + length_ms - 1}, {_STRETCH_MS}) t",
        database,
    )


def _fill_packed_candles(server: PostgresServer, database: str, length_ms: int) -> None:
    """Put a day of packed candles before all others."""
    for name, (stretch_ms, size) in _CANDLE_STRETCHES.items():
        server.execute(
            "INSERT INTO packed (kind, market, timeframe, from_ms, to_ms, rows, data)"  # noqa: S608
            f" SELECT 'candles', 'binance:C' || m || '/USDT', '{name}', t, t + {stretch_ms}, 600,"
            f" decode('{os.urandom(size).hex()}', 'hex')"
            f" FROM generate_series(0, {_MARKETS - 1}) m,"
            f" generate_series({_FIRST_MS - length_ms}, {_FIRST_MS - 1}, {stretch_ms}) t",
            database,
        )


@contextmanager
def _writing(url: str) -> Iterator[list[float]]:
    """Write candles meanwhile; give how long each batch took, in seconds."""
    ending, waits_s = threading.Event(), list[float]()
    store = open_store(url)

    def write() -> None:
        open_ms = _FIRST_MS + 400 * _DAY_MS + time.monotonic_ns() // 1_000_000 // 250 * 250
        while not ending.wait(_WRITE_EVERY_S):
            open_ms += 250
            batch = [_candle(number, open_ms) for number in range(_MARKETS)]
            started_s = time.monotonic()
            store.write(batch)
            waits_s.append(time.monotonic() - started_s)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield waits_s
    finally:
        ending.set()
        thread.join()
        store.close()


def _candle(number: int, open_ms: int) -> Candle:
    return Candle(
        _market(number), "250ms", open_ms, open_ms + 250, 100.5, 101.5, 99.5, 100.25, 12.5, 1256.5,
        40, 6.25, 628.5,
    )  # fmt: skip


def _forget(
    store: Store, table: Forgettable, timeframes: tuple[str, ...], until_ms: int, name: str
) -> dict[str, float]:
    """Delete the oldest rows of all markets, stretch by stretch, with the storekeeper's pauses."""
    started_s, longest_s, busy_s, rows = time.monotonic(), 0.0, 0.0, 0
    for number in range(_MARKETS):
        for timeframe in timeframes:
            while True:
                step_s = time.monotonic()
                count = store.forget(table, _market(number), timeframe, _FIRST_MS + until_ms)
                took_s = time.monotonic() - step_s
                longest_s, busy_s = max(longest_s, took_s), busy_s + took_s
                if not count:
                    break
                rows += count
                time.sleep(_PAUSE_S)
    return {
        f"{name}_rows": rows,
        f"{name}_seconds": time.monotonic() - started_s,
        f"{name}_busy_seconds": busy_s,
        f"{name}_longest_step_seconds": longest_s,
    }


def _drop_a_partition(
    server: PostgresServer, database: str, days: int, day_ms: int
) -> dict[str, float]:
    table = "candles_by_day"
    server.execute(f"CREATE TABLE {table} (LIKE candles INCLUDING ALL) {_BY_DAY}", database)
    for day in range(days):
        from_ms = _FIRST_MS + day * day_ms
        bounds = f"FROM ({from_ms}) TO ({from_ms + day_ms})"
        server.execute(
            f"CREATE TABLE {table}_{day} PARTITION OF {table} FOR VALUES {bounds}", database
        )
    _fill_candles(server, database, table, days * day_ms)
    started_s = time.monotonic()
    server.execute(f"ALTER TABLE {table} DETACH PARTITION {table}_0 CONCURRENTLY", database)
    server.execute(f"DROP TABLE {table}_0", database)
    return {"partition_drop_seconds": time.monotonic() - started_s}


def _waits(name: str, waits_s: list[float]) -> dict[str, float]:
    return {
        f"{name}_writes": len(waits_s),
        f"{name}_write_p50_seconds": percentile(waits_s, 0.5),
        f"{name}_write_p99_seconds": percentile(waits_s, 0.99),
        f"{name}_write_longest_seconds": max(waits_s),
    }


@click.command()
@click.option("--rows", type=click.IntRange(min=1), default=10_000_000, show_default=True)
def main(rows: int) -> None:
    """Measure how long retention of a day takes in PostgreSQL, and whether writers wait."""
    found = measure(rows, lambda text: click.echo(text, err=True))
    click.echo(json.dumps({name: round(value, 4) for name, value in found.items()}, indent=2))


if __name__ == "__main__":
    main()
