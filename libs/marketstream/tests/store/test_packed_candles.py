"""Candles that are packed are read, revised, proven and deleted as if they were not."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from alembic import command
from msgspec.structs import replace
from sqlalchemy import make_url

from marketstream.messages import Candle, Context, Depth, Gap
from marketstream.store.packing import pack, unpack
from marketstream.store.port import EVER_MS, Store
from marketstream.store.postgresql import open_postgresql
from marketstream.store.schema import alembic_config
from marketstream.store.sql import open_store
from marketstream.store.sqlite import open_sqlite

MARKET = "binance:BTC/USDT"
START_MS = 1_790_000_400_000  # a stretch begins here
STRETCH_MS = 600_000
DEPTH = Depth(((99.5, 1.0),), ((100.5, 2.0), (101.0, 3.0)), 1_000 * START_MS)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url)
    yield opened
    opened.close()


def candles(count: int, from_ms: int = START_MS, timeframe: str = "1s") -> list[Candle]:
    dice, made, last_id = random.Random(7), list[Candle](), 1_000
    length_ms = 60_000 if timeframe == "1m" else 1_000
    for number in range(count):
        open_ms = from_ms + length_ms * number
        trades = dice.choice([0, 3, 40])
        ids = (last_id + 1, last_id + trades) if trades else (None, None)
        last_id += trades
        complete = dice.choice([True] * 20 + [False, None])
        made.append(
            Candle(
                MARKET, timeframe, open_ms, open_ms + length_ms, 100.5, dice.gauss(101, 1), 99.5,
                100.1 + 0.2, dice.random(), 1256.5, trades, 6.25, -0.0, 100.0,
                dice.choice([None, 2.5]), 100.1, 1.0, None, 100.0, *ids,
                state=dice.choice(["closed"] * 20 + ["forming"]), revision=dice.choice([0, 0, 2]),
                complete=complete, filled=dice.random() < 0.1,
                expected_count=dice.choice([None, trades, trades, trades + 1]),
                late_count=dice.choice([0, 1]), depth=dice.choice([None, DEPTH]),
                context=dice.choice([None, Context(START_MS * 1_000)]),
            )
        )  # fmt: skip
    return made


def all_packed(store: Store, before_ms: int = 2**62, timeframe: str = "1s") -> list[int]:
    packed = []
    while count := store.pack(MARKET, timeframe, before_ms):
        packed.append(count)
    return packed


def everything(store: Store) -> list[object]:
    end_ms = START_MS + 5 * STRETCH_MS
    windows = [
        (0, end_ms), (START_MS + 250_500, START_MS + 650_000), (START_MS + STRETCH_MS, end_ms),
    ]  # fmt: skip
    counts = [1, 3, 599, 600, 601, 1_150, 5_000]
    ends = [EVER_MS, START_MS + 1_250_000, START_MS + 620_000, START_MS + 250_500, START_MS]
    return [
        *(store.candles(MARKET, "1s", *window) for window in windows),
        *(store.last_candles(MARKET, "1s", count, end) for count in counts for end in ends),
        *(store.ledger(MARKET, *window) for window in windows),
        store.newest_ms(MARKET), store.markets(), store.timeframes(MARKET), store.counts(),
    ]  # fmt: skip


def test_packing_changes_no_bit_of_a_candle() -> None:
    made = candles(200)
    again = unpack(Candle, pack(made, {}))
    assert again == made
    assert list(map(repr, again)) == list(map(repr, made))


def test_candles_are_read_and_proven_as_before_whatever_of_them_is_packed(store: Store) -> None:
    written = candles(1_300, START_MS + 100_000)
    del written[700:705]
    seam_us = 1_000 * (START_MS + 700_000)
    store.write([*written, Gap(MARKET, 5, 5, seam_us, seam_us + 2_000_000, "lost", None)])
    before = everything(store)
    assert all_packed(store, START_MS + 2 * STRETCH_MS) == [500, 595]
    assert everything(store) == before
    assert all_packed(store) == [200]
    assert everything(store) == before


def test_of_two_writings_of_a_packed_candle_the_better_one_is_read_and_stays(store: Store) -> None:
    written = [replace(one, state="closed", revision=1) for one in candles(700)]
    store.write(written)
    assert all_packed(store) == [600, 100]
    better = [replace(one, revision=2, complete=False, close=7.0) for one in written[10:20]]
    worse = [replace(one, revision=0, close=8.0) for one in written[20:30]]
    worse += [replace(one, state="forming", revision=9, close=9.0) for one in written[30:40]]
    equal = [replace(one, close=10.0) for one in written[40:50]]
    store.write([*better, *worse, *equal])
    expected = [*written[:10], *better, *written[20:]]
    ledgers = []
    for _ in range(2):
        assert store.candles(MARKET, "1s", 0, EVER_MS) == expected
        assert store.last_candles(MARKET, "1s", 695, EVER_MS) == expected[-695:]
        ledgers.append(store.ledger(MARKET, 0, START_MS + 2 * STRETCH_MS))
        assert all_packed(store) in ([40], [])
    assert ledgers[0] == ledgers[1]
    assert store.counts()["candles"] == 700
    (of_second,) = ledgers[0].candles
    assert of_second.candles == 700
    store.close()


def test_candles_of_a_minute_stay_rows(store: Store) -> None:
    store.write(candles(1_000, START_MS // 86_400_000 * 86_400_000, "1m"))
    assert all_packed(store, timeframe="1m") == []
    assert store.timeframes(MARKET) == ["1m"]


def test_a_market_whose_candles_are_all_packed_is_known_and_forgotten(store: Store) -> None:
    written = candles(1_200)
    store.write(written)
    all_packed(store)
    assert (store.markets(), store.timeframes(MARKET)) == ([MARKET], ["1s"])
    assert store.newest_ms(MARKET) == written[-1].close_time_ms
    assert store.forget("candles", MARKET, "1s", START_MS + STRETCH_MS + 5_000) == 600
    assert store.forget("candles", MARKET, "1s", START_MS + STRETCH_MS + 5_000) == 0
    assert store.candles(MARKET, "1s", 0, EVER_MS) == written[600:]


def test_the_way_back_unpacks_candles_with_what_was_revised_since(url: str) -> None:
    store = open_store(url)
    written = [replace(one, state="closed", revision=1) for one in candles(700)]
    store.write(written)
    all_packed(store)
    store.write([replace(one, revision=2) for one in written[:10]])
    before = everything(store)
    store.close()
    opens = open_sqlite if url.startswith("sqlite") else open_postgresql
    engine = opens(make_url(url)).execution_options(writes=True)
    with engine.connect() as connection:
        command.downgrade(alembic_config(connection), "-1")
        connection.commit()
        rows = connection.exec_driver_sql("SELECT count(*) FROM candles").scalar_one()
    engine.dispose()
    assert rows == 700
    store = open_store(url)
    assert everything(store)[:-1] == before[:-1]
    store.close()
