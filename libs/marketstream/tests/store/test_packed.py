"""What is packed is read, counted and deleted as if it were not; on each store."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from alembic import command
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import func, make_url, update

from marketstream.errors import StateError
from marketstream.evidence import Streams
from marketstream.messages import Candle, Features, Outcome, Prediction, Said
from marketstream.store.packing import pack, unpack
from marketstream.store.port import Store
from marketstream.store.postgresql import open_postgresql
from marketstream.store.schema import alembic_config
from marketstream.store.sql import open_store
from marketstream.store.sqlite import open_sqlite
from marketstream.store.tables import PACKED

MARKET, EVER_MS = "binance:BTC/USDT", 2**62
STRETCH_MS = 600_000
START_MS = 1_790_000_400_000  # a stretch begins here
HORIZONS_MS = (1_000, 7_000)
STREAMS = [Streams.foreseen(horizon_ms, 1_000) for horizon_ms in HORIZONS_MS]
NAMES = ("imbalance", "flow_1s", "größe", "trades_1s")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url)
    yield opened
    opened.close()


def rows(closes: int, from_ms: int = START_MS) -> list[Features | Prediction | Outcome]:
    dice = random.Random(7)
    made: list[Features | Prediction | Outcome] = []
    for close_ms in range(from_ms, from_ms + 1_000 * closes, 1_000):
        known = NAMES if dice.random() < 0.9 else NAMES[:2]
        values = {name: dice.gauss(0, 1) if dice.random() < 0.8 else None for name in known}
        made.append(
            Features(
                MARKET, "1s", close_ms, values, dice.choice([None, 99.5]), -0.0, 1e-300, "a1b2",
                dice.random() < 0.9, None, 99.25,
            )
        )  # fmt: skip
        for horizon_ms in HORIZONS_MS:
            version = str(1 + (close_ms - START_MS) // 250_000)
            same = (MARKET, "1s", close_ms, horizon_ms, "champion")
            names = ("lightgbm", "imbalance_sign")[: dice.randrange(3)]
            candidates = {name: Said(dice.random(), 0.1 + 0.2, f"{name}:7") for name in names}
            late = dice.random() < 0.05
            prediction = Prediction(
                *same, "average", version, dice.choice([0, 0, 20, 5_000]), dice.random(), 100.0,
                dice.gauss(0, 1e-5), 100.0, 0.5, 0.2, 0.3, 99.0, 101.0, 0.8, "up",
                dice.choice([None, "novel: flow_1s is 7"]), {"majority": "up"}, feature_set="a1b2",
                made_at_ms=dice.choice([None, close_ms + 3]), latency_us=dice.randrange(10**6),
                late=late, candidates=candidates,
            )  # fmt: skip
            verdicts = ("right", "wrong", "flat", "abstained")
            outcome = Outcome(
                *same, version, dice.random(), dice.gauss(0, 1), 0.0, dice.choice(verdicts),
                "flat", dice.random() < 0.8, {"majority": dice.choice(verdicts)}, late,
            )  # fmt: skip
            made += [prediction, outcome] if dice.random() < 0.95 else [outcome]
    return made


def everything(store: Store, from_ms: int = 0, to_ms: int = EVER_MS) -> list[object]:
    window = (MARKET, "1s", from_ms, to_ms)
    return [store.features(*window), store.predictions(*window), store.outcomes(*window)]


def all_packed(store: Store, before_ms: int = EVER_MS) -> list[int]:
    packed = []
    while count := store.pack(MARKET, "1s", before_ms):
        packed.append(count)
    return packed


def candle() -> Candle:
    times = (START_MS - 1_000, START_MS)
    return Candle(MARKET, "1s", *times, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1, 1.0, 1.0)


@pytest.mark.parametrize("kind", [Features, Prediction, Outcome])
def test_packing_changes_no_bit(kind: type[Features | Prediction | Outcome]) -> None:
    of_kind = [row for row in rows(50) if isinstance(row, kind)]
    again = unpack(kind, pack(of_kind, {}))
    assert again == of_kind
    assert list(map(repr, again)) == list(map(repr, of_kind))  # also the sign of zero


ODD = st.floats(allow_nan=False) | st.sampled_from([-0.0, 0.1 + 0.2, 53059.455, 5e-324, 1e22])


@given(st.lists(st.tuples(*[ODD] * 8, ODD | st.none()), min_size=1, max_size=20))
def test_packing_changes_no_bit_of_numbers_that_nothing_foretells(given: list[Any]) -> None:
    predictions = [
        Prediction(
            MARKET, "1s", 1_000, 1_000, "champion", "m", "1", 0, *numbers, 1.0, 0.8, "up", None,
            {}, candidates={f"{n}": Said(numbers[n], numbers[-n], "m:1") for n in range(3)},
        )
        for *numbers, _ in given
    ]  # fmt: skip
    features = [Features(MARKET, "1s", 1_000, {"a": a, "b": b}, b, a, a, "x") for a, *_, b in given]
    for kind, of_kind in ((Prediction, predictions), (Features, features)):
        again = unpack(kind, pack(of_kind, {}))
        assert list(map(repr, again)) == list(map(repr, of_kind))


def test_closes_are_read_as_before_whatever_of_them_is_packed(store: Store) -> None:
    written = rows(1_300, START_MS + 100_000)
    store.write(written)
    windows = [(0, EVER_MS), (START_MS + 250_500, START_MS + 650_000), (START_MS + STRETCH_MS, 0)]
    before = [everything(store, *window) for window in windows]
    counts = store.counts()
    packed = all_packed(store, START_MS + 2 * STRETCH_MS)
    assert len(packed) == 2  # the third stretch does not end before that
    assert sum(packed) == sum(row.close_time_ms < START_MS + 2 * STRETCH_MS for row in written)
    assert [everything(store, *window) for window in windows] == before
    assert store.counts() == counts


def test_the_first_writing_stays_when_it_is_packed_and_what_is_new_joins_it(store: Store) -> None:
    written = [row for row in rows(600) if isinstance(row, Features)]
    changed = [replace(row, close=7.0) for row in written]
    store.write(written[:400])
    all_packed(store)
    store.write(changed)
    for _ in range(2):
        found = store.features(MARKET, "1s", 0, EVER_MS)
        assert found == written[:400] + changed[400:]
        assert all_packed(store) in ([600], [])
    assert store.counts()["features"] == 600


def counted(store: Store, until_ms: int) -> dict[object, tuple[int, int, int]]:
    sums: dict[object, tuple[int, int, int]] = {}
    for one in store.tallies(MARKET, "1s", until_ms, STREAMS):
        alike = (one.horizon_ms, one.stream, one.verdict, str(one.baselines))
        outcomes, since_ms, end_ms = sums.get(alike, (0, EVER_MS, 0))
        sums[alike] = (
            outcomes + one.outcomes,
            min(since_ms, one.since_ms),
            max(end_ms, one.until_ms),
        )
    return sums


@pytest.mark.parametrize(("begin_s", "end_s"), [(0, 2_000), (100, 777), (599, 600)])
def test_what_is_packed_is_counted_as_before(store: Store, begin_s: int, end_s: int) -> None:
    store.write([candle(), *rows(1_500)])
    from_ms, to_ms = START_MS + 1_000 * begin_s, START_MS + 1_000 * end_s
    served, tallies = store.served(MARKET, from_ms, to_ms), counted(store, to_ms)
    assert served
    for before_ms in (START_MS + STRETCH_MS, EVER_MS):
        assert all_packed(store, before_ms)
        assert store.served(MARKET, from_ms, to_ms) == served
        assert counted(store, to_ms) == tallies


def test_old_stretches_are_deleted_whole(store: Store) -> None:
    store.write(rows(1_300))
    all_packed(store, START_MS + 2 * STRETCH_MS)
    within = START_MS + STRETCH_MS + 5_000
    assert store.forget("features", MARKET, "1s", within) == 600
    assert store.forget("features", MARKET, "1s", within) == 0
    left = [row.close_time_ms for row in store.features(MARKET, "1s", 0, EVER_MS)]
    assert left == list(range(START_MS + STRETCH_MS, START_MS + 1_300_000, 1_000))
    while store.forget("features", MARKET, "1s", START_MS + 1_299_000):
        pass
    assert len(store.features(MARKET, "1s", 0, EVER_MS)) == 1
    assert len(store.predictions(MARKET, "1s", 0, EVER_MS)) > 2_400


def test_stretches_of_other_markets_and_timeframes_stay_as_they_are(store: Store) -> None:
    others = [
        replace(row, market=market, timeframe=timeframe)
        for row in rows(600)
        for market, timeframe in product((MARKET, "kraken:BTC/USD"), ("1s", "1m"))
        if (market, timeframe) != (MARKET, "1s")
    ]
    store.write(others)
    assert all_packed(store) == []
    store.write(rows(600))
    assert len(all_packed(store)) == 1
    assert store.pack("kraken:BTC/USD", "1m", START_MS + STRETCH_MS) == 0  # a stretch is 10 hours
    assert len(store.features("kraken:BTC/USD", "1m", 0, EVER_MS)) == 600


def test_the_way_back_to_an_older_schema_unpacks_all(url: str) -> None:
    store = open_store(url)
    written = rows(700)
    store.write(written)
    all_packed(store)
    again = [row for row in written if isinstance(row, Features)]
    store.write([replace(row, close=7.0) for row in again[:50]])  # what was packed stays
    before = everything(store)
    store.close()
    opens = open_sqlite if url.startswith("sqlite") else open_postgresql
    engine = opens(make_url(url))
    with engine.connect() as connection:
        command.downgrade(alembic_config(connection), "0007")
        connection.commit()
    engine.dispose()
    store = open_store(url)
    assert everything(store) == before
    store.close()


def test_a_damaged_stretch_is_said_whatever_asks_for_it(store: Store, url: str) -> None:
    store.write([candle(), *rows(600)])
    all_packed(store)
    opens = open_sqlite if url.startswith("sqlite") else open_postgresql
    engine = opens(make_url(url)).execution_options(writes=True)
    with engine.begin() as connection:
        connection.execute(update(PACKED).values(data=func.substr(PACKED.c.data, 1, 500)))
    engine.dispose()
    window = (MARKET, "1s", 0, EVER_MS)
    for asked in (
        lambda: store.outcomes(*window),
        lambda: store.prediction_span(MARKET, "1s"),
        lambda: store.outcome_span(MARKET, "1s"),
        lambda: store.served(MARKET, 0, EVER_MS),
        lambda: counted(store, EVER_MS),
    ):
        with pytest.raises(StateError, match="database is damaged"):
            asked()


def test_outcomes_keep_their_latency_though_their_predictions_are_deleted(store: Store) -> None:
    written = rows(600)
    store.write(written)
    all_packed(store)
    before = counted(store, EVER_MS)
    assert before
    while store.forget("predictions", MARKET, "1s", START_MS + STRETCH_MS):
        pass
    store.write([next(row for row in written if isinstance(row, Outcome))])
    assert all_packed(store) == [1]
    assert counted(store, EVER_MS) == before


def test_a_word_of_another_version_is_read_as_it_was(store: Store) -> None:
    odd = next(row for row in rows(600) if isinstance(row, Prediction))
    odd = replace(odd, direction="sideways")  # type: ignore[arg-type]
    store.write([odd])
    assert all_packed(store) == [1]
    assert store.predictions(MARKET, "1s", -(2**63), EVER_MS) == [odd]
