"""Predictions are sealed once their closes are over, and whatever is changed afterwards is seen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import create_engine, text

from marketstream.fakes import FakePorts
from marketstream.messages import Outcome, Prediction, Said
from marketstream.score_windows import rolling_scores
from marketstream.sealing import CHAINS, OUTCOMES, SEALED_MS, Digest, Verified, hash_of, verify
from marketstream.store.sql import SqlStore, open_store
from storekeeper.sealer import Sealer

MARKET = "binance:BTC/USDT"
EVER = (0, 10**13)
FROM_MS = 1_000 * SEALED_MS
EVERY_MS = 10_000


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/realtime.sqlite"


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def seal(tmp_path: Path, store: SqlStore) -> Callable[[], int]:
    """Seal as a storekeeper does that has just begun."""
    ports = FakePorts(tmp_path, store)
    return lambda: asyncio.run(Sealer([MARKET], "1s", (1_000, 2_000), ports).seal())


def prediction(close_ms: int, horizon_ms: int = 1_000, p_up: float = 0.1 + 0.2) -> Prediction:
    return Prediction(
        MARKET, "1s", close_ms, horizon_ms, "champion", "average", "7", 0, 100.0, 100.1, 1e-5,
        100.001, p_up, 0.2, 0.5, 99.0, 101.0, 0.8, "down", None, {"majority": "up"},
        candidates={"lightgbm": Said(0.3, 1.0, "lightgbm:7")}, made_at_ms=close_ms + 3,
    )  # fmt: skip


def outcome(close_ms: int, horizon_ms: int = 1_000) -> Outcome:
    return Outcome(
        MARKET, "1s", close_ms, horizon_ms, "champion", "7", 100.1, 0.1 + 0.2, 0.001, "right",
        "wrong", True, {"majority": "flat"},
    )  # fmt: skip


def came(store: SqlStore, from_ms: int, to_ms: int, horizon_ms: int = 1_000) -> None:
    store.write([outcome(close_ms, horizon_ms) for close_ms in range(from_ms, to_ms, EVERY_MS)])


def predicted(store: SqlStore, from_ms: int, to_ms: int) -> None:
    closes = range(from_ms, to_ms, EVERY_MS)
    store.write([prediction(close_ms, h) for close_ms in closes for h in (1_000, 2_000)])


def verified(store: SqlStore) -> Verified:
    return verify(store, MARKET, "1s", *EVER)


def verified_outcomes(store: SqlStore) -> Verified:
    return verify(store, MARKET, "1s", *EVER, OUTCOMES)


def changed(url: str, statement: str) -> None:
    """Change the database behind the store's back."""
    engine = create_engine(url)
    with engine.begin() as connection:
        assert connection.execute(text(statement)).rowcount > 0
    engine.dispose()


def test_what_is_over_is_sealed_ten_minutes_at_a_time_whoever_seals(
    store: SqlStore, seal: Callable[[], int]
) -> None:
    predicted(store, FROM_MS + 30_000, FROM_MS + 2 * SEALED_MS + 60_000)
    assert seal() == 1, "the second ten minutes are over when two more have passed"
    predicted(store, FROM_MS + 2 * SEALED_MS + 60_000, FROM_MS + 2 * SEALED_MS + 130_000)
    assert [seal(), seal()] == [1, 0]
    first, second = store.seals(MARKET, "1s")
    assert (first.from_ms, first.to_ms, first.predictions) == (FROM_MS, FROM_MS + SEALED_MS, 114)
    assert (second.from_ms, second.predictions) == (FROM_MS + SEALED_MS, 120)
    assert (first.previous, second.previous) == ("", first.hash)
    assert hash_of(second) == second.hash
    found = verified(store)
    assert found == Verified(MARKET, "1s", "predictions", 2, 234, 0, 26, second.hash, [])


def test_a_hole_in_what_was_predicted_is_no_fault_and_is_not_sealed(
    store: SqlStore, seal: Callable[[], int]
) -> None:
    predicted(store, FROM_MS, FROM_MS + SEALED_MS)
    predicted(store, FROM_MS + 5 * SEALED_MS, FROM_MS + 7 * SEALED_MS)
    assert seal() == 2
    assert [one.from_ms - FROM_MS for one in store.seals(MARKET, "1s")] == [0, 5 * SEALED_MS]
    assert verified(store).faults == []
    store.write([prediction(FROM_MS + 2 * SEALED_MS)])
    assert "predictions came after these closes were sealed" in verified(store).faults[0]


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE predictions SET p_up = 0.31 WHERE close_time_ms = {at}", "not as they were"),
        ("UPDATE predictions SET direction = 'up' WHERE close_time_ms = {at}", "not as they were"),
        ("UPDATE predictions SET candidates = NULL WHERE close_time_ms = {at}", "not as they were"),
        ("DELETE FROM predictions WHERE close_time_ms = {at}", "120 predictions were sealed, and"),
        ("UPDATE predictions SET close_time_ms = {at} + 1 WHERE close_time_ms = {at}", "not as"),
        ("UPDATE seals SET digest = 'x' WHERE from_ms = {sealed}", "the seal was changed"),
        ("UPDATE seals SET hash = 'x' WHERE from_ms = {sealed}", "the seal was changed"),
        ("DELETE FROM seals WHERE from_ms = {sealed}", "the seal before was changed or removed"),
    ],
)
def test_nothing_is_changed_unseen(
    store: SqlStore, seal: Callable[[], int], url: str, statement: str, fault: str
) -> None:
    predicted(store, FROM_MS, FROM_MS + 4 * SEALED_MS)
    assert seal() == 3
    assert verified(store).faults == []
    sealed_ms = FROM_MS + SEALED_MS
    changed(url, statement.format(at=sealed_ms + 50_000, sealed=sealed_ms))
    assert fault in " ".join(verified(store).faults)


def test_a_prediction_added_later_is_seen(store: SqlStore, seal: Callable[[], int]) -> None:
    predicted(store, FROM_MS, FROM_MS + 4 * SEALED_MS)
    seal()
    store.write([prediction(FROM_MS + SEALED_MS + 1_000)])
    assert "120 predictions were sealed, and 121 are stored" in verified(store).faults[0]


def test_what_retention_deletes_leaves_a_chain_that_holds(
    store: SqlStore, seal: Callable[[], int]
) -> None:
    predicted(store, FROM_MS + 300_000, FROM_MS + 5 * SEALED_MS)
    seal()
    until_ms = FROM_MS + 2 * SEALED_MS + 100_000
    deleted = 0
    while count := store.forget("predictions", MARKET, "1s", until_ms):
        deleted += count
    found = verified(store)
    assert found.faults == []
    assert (found.seals, found.deleted) == (4, deleted)
    assert found.rows == 120, "of the rest of a stretch nobody can tell"
    predicted(store, FROM_MS + 5 * SEALED_MS, FROM_MS + 6 * SEALED_MS)
    assert seal() == 1
    assert verified(store).faults == []


def test_packing_changes_nothing_of_the_chain_whichever_comes_first(
    store: SqlStore, seal: Callable[[], int]
) -> None:
    predicted(store, FROM_MS + 30_000, FROM_MS + 2 * SEALED_MS)
    predicted(store, FROM_MS + 2 * SEALED_MS, FROM_MS + 5 * SEALED_MS)
    span = store.prediction_span(MARKET, "1s")
    assert store.pack(MARKET, "1s", FROM_MS + SEALED_MS) > 0
    assert seal() == 4
    while store.pack(MARKET, "1s", FROM_MS + 4 * SEALED_MS):
        pass
    assert store.prediction_span(MARKET, "1s") == span
    found = verified(store)
    assert (found.faults, found.rows, found.unsealed) == ([], 114 + 3 * 120, 120)
    while store.forget("predictions", MARKET, "1s", FROM_MS + 2 * SEALED_MS):
        pass
    found = verified(store)
    assert (found.faults, found.deleted) == ([], 114 + 120)


def test_whoever_makes_the_whole_chain_anew_has_another_head(
    store: SqlStore, seal: Callable[[], int], url: str
) -> None:
    predicted(store, FROM_MS, FROM_MS + 3 * SEALED_MS)
    seal()
    head = verified(store).head
    changed(url, "DELETE FROM seals")
    changed(url, f"UPDATE predictions SET p_up = 0.9 WHERE close_time_ms = {FROM_MS}")
    seal()
    anew = verified(store)
    assert anew.faults == []
    assert anew.head != head


def test_a_digest_is_that_of_the_predictions_in_whatever_order_and_parts() -> None:
    rows = [prediction(1_000 * second, h) for second in range(5) for h in (1_000, 2_000)]
    whole, parts = Digest(), Digest()
    whole.add(reversed(rows))
    parts.add(rows[:4])
    parts.add(rows[4:])
    assert whole.digest == parts.digest
    other = Digest()
    other.add([*rows[:-1], replace(rows[-1], late=True)])
    assert other.digest != whole.digest


def test_outcomes_have_a_chain_of_their_own_that_waits_for_the_longest_horizon(
    store: SqlStore, tmp_path: Path
) -> None:
    sealer = Sealer([MARKET], "1s", (1_000, 300_000), FakePorts(tmp_path, store))
    predicted(store, FROM_MS, FROM_MS + 2 * SEALED_MS)
    came(store, FROM_MS, FROM_MS + SEALED_MS + 420_000)
    assert asyncio.run(sealer.seal()) == 1, "predictions alone: outcomes at 5 minutes are to come"
    assert store.outcome_seals(MARKET, "1s") == []
    came(store, FROM_MS, FROM_MS + SEALED_MS, 300_000)
    came(store, FROM_MS + SEALED_MS + 420_000, FROM_MS + SEALED_MS + 430_000)
    assert [asyncio.run(sealer.seal()) for _ in range(2)] == [1, 0]
    (sealed,) = store.outcome_seals(MARKET, "1s")
    assert (sealed.outcomes, sealed.previous) == (120, "")
    assert verified_outcomes(store) == Verified(
        MARKET, "1s", "outcomes", 1, 120, 0, 43, sealed.hash, []
    )


def test_with_their_outcomes_sealed_stretches_are_counted_once(
    store: SqlStore, seal: Callable[[], int]
) -> None:
    predicted(store, FROM_MS, FROM_MS + 2 * SEALED_MS)
    came(store, FROM_MS, FROM_MS + 2 * SEALED_MS)
    seal()
    first = store.score_sums(MARKET, "1s", *EVER)
    assert [(one.from_ms, one.to_ms) for one in first] == [(FROM_MS, FROM_MS + SEALED_MS)]
    told = rolling_scores(MARKET, "1s", first, [1_000]).horizons[0].windows["all"]
    assert [(one.candidate, one.outcomes) for one in told] == [
        ("served", 60), ("control", 60), ("lightgbm", 60),
    ]  # fmt: skip
    came(store, FROM_MS + 2 * SEALED_MS, FROM_MS + 3 * SEALED_MS)
    predicted(store, FROM_MS + 2 * SEALED_MS, FROM_MS + 3 * SEALED_MS)
    seal()
    assert len(store.outcome_seals(MARKET, "1s")) == 2
    assert store.score_sums(MARKET, "1s", *EVER)[0] == first[0]
    assert len(store.score_sums(MARKET, "1s", *EVER)) == 2


def test_outcomes_of_a_horizon_that_is_no_longer_predicted_are_waited_for(
    store: SqlStore, seal: Callable[[], int]
) -> None:
    closes = range(FROM_MS, FROM_MS + SEALED_MS, EVERY_MS)
    store.write([prediction(close_ms, 300_000) for close_ms in closes])
    came(store, FROM_MS, FROM_MS + SEALED_MS + 420_000)
    seal()
    assert store.outcome_seals(MARKET, "1s") == []
    came(store, FROM_MS, FROM_MS + SEALED_MS, 300_000)
    came(store, FROM_MS + SEALED_MS + 420_000, FROM_MS + SEALED_MS + 430_000)
    assert seal() == 1
    assert store.outcome_seals(MARKET, "1s")[0].outcomes == 120


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE outcomes SET verdict = 'wrong' WHERE close_time_ms = {at}", "not as they were"),
        ("UPDATE outcomes SET realised_mid = 100.2 WHERE close_time_ms = {at}", "not as they were"),
        ("UPDATE outcomes SET baselines = '{{}}' WHERE close_time_ms = {at}", "not as they were"),
        ("DELETE FROM outcomes WHERE close_time_ms = {at}", "60 outcomes were sealed, and 59 are"),
        ("UPDATE outcomes SET horizon_ms = 2000 WHERE close_time_ms = {at}", "not as they were"),
        ("UPDATE outcome_seals SET digest = 'x' WHERE from_ms = {sealed}", "seal was changed"),
        ("DELETE FROM outcome_seals WHERE from_ms = {sealed}", "before was changed or removed"),
    ],
)
def test_no_outcome_is_changed_unseen(
    store: SqlStore, seal: Callable[[], int], url: str, statement: str, fault: str
) -> None:
    came(store, FROM_MS, FROM_MS + 4 * SEALED_MS)
    assert seal() == 3
    assert verified_outcomes(store).faults == []
    sealed_ms = FROM_MS + SEALED_MS
    changed(url, statement.format(at=sealed_ms + 50_000, sealed=sealed_ms))
    assert fault in " ".join(verified_outcomes(store).faults)
    assert verified(store).faults == []


def test_an_outcome_added_to_a_stretch_without_any_is_seen(
    store: SqlStore, seal: Callable[[], int]
) -> None:
    came(store, FROM_MS, FROM_MS + SEALED_MS)
    came(store, FROM_MS + 5 * SEALED_MS, FROM_MS + 7 * SEALED_MS)
    assert seal() == 2
    store.write([outcome(FROM_MS + 2 * SEALED_MS)])
    assert "outcomes came after these closes were sealed" in verified_outcomes(store).faults[0]


def test_what_retention_deletes_and_packing_packs_leaves_both_chains_whole(
    store: SqlStore, seal: Callable[[], int]
) -> None:
    for from_ms in (FROM_MS, FROM_MS + 3 * SEALED_MS):
        predicted(store, from_ms, from_ms + 3 * SEALED_MS)
        came(store, from_ms, from_ms + 3 * SEALED_MS)
        while store.pack(MARKET, "1s", from_ms + SEALED_MS):
            pass
        seal()
    while store.forget("outcomes", MARKET, "1s", FROM_MS + 2 * SEALED_MS):
        pass
    found = verified_outcomes(store)
    assert (found.faults, found.seals, found.deleted, found.rows) == ([], 5, 120, 180)
    assert verified(store).faults == []
    while store.forget("outcomes", MARKET, "1s", FROM_MS + 6 * SEALED_MS):
        pass
    while store.forget("predictions", MARKET, "1s", FROM_MS + 6 * SEALED_MS):
        pass
    for chain in CHAINS:
        found = verify(store, MARKET, "1s", *EVER, chain)
        assert (found.faults, found.seals, found.rows) == ([], 5, 0)
