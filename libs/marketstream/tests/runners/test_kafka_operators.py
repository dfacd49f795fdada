"""When an operator in memory is gone on with, and when it is restored; no broker needed."""

from __future__ import annotations

import pytest

from marketstream.errors import BadMessage, StateError
from marketstream.runners.kafka.operators import Operators

MARKET = "binance:BTC/USDT"


class Counter:
    """Counts; its snapshot is as long as it is told."""

    def __init__(self, length: int = 0) -> None:
        self.count = 0
        self._length = length

    def update(self, message: int) -> list[int]:
        self.count += message
        return []

    def snapshot(self) -> bytes:
        return str(self.count).encode().rjust(self._length)

    def restore(self, snapshot: bytes) -> None:
        self.count = int(snapshot)


class Kept:
    """What Quix has as state: `uncommitted` is added to it or dropped."""

    def __init__(self) -> None:
        self.committed: dict[str, bytes] = {}
        self.uncommitted: dict[str, bytes] = {}

    def get_bytes(self, key: str) -> bytes | None:
        return self.uncommitted.get(key, self.committed.get(key))

    def set_bytes(self, key: str, value: bytes) -> None:
        self.uncommitted[key] = value

    def commit(self) -> None:
        self.committed |= self.uncommitted
        self.uncommitted = {}

    def drop(self) -> None:
        self.uncommitted = {}


def operators(length: int = 0) -> Operators:
    return Operators("counts", lambda _market: Counter(length), lambda _market, _size: None)


def fold(held_by: Operators, state: Kept, *offsets: int) -> int:
    """Fold a 1 at each offset; return the count."""
    for offset in offsets:
        held = held_by.of(MARKET, "trades", 0, offset, state)  # type: ignore[arg-type]
        held.operator.update(1)
        held.offsets["trades"] = offset
    count: int = held.operator.operator.count  # type: ignore[attr-defined]
    return count


def test_an_operator_goes_on_from_checkpoint_to_checkpoint() -> None:
    state, mine = Kept(), operators()
    assert fold(mine, state, 0, 1) == 2
    mine.flush()
    state.commit()
    assert fold(mine, state, 2) == 3


def test_what_another_worker_did_meanwhile_is_restored() -> None:
    state, mine, other = Kept(), operators(), operators()
    fold(mine, state, 0, 1)
    mine.flush()
    state.commit()
    fold(other, state, 2, 3, 4)
    other.flush()
    state.commit()
    assert fold(mine, state, 5) == 6


def test_after_a_checkpoint_that_came_to_nothing_messages_are_folded_once() -> None:
    state, mine = Kept(), operators()
    fold(mine, state, 0, 1)
    mine.flush()
    state.commit()
    fold(mine, state, 2, 3)
    mine.flush()
    state.drop()
    assert fold(mine, state, 2, 3) == 4


def test_where_a_commit_fails_messages_are_folded_once() -> None:
    def fail(_key: str, _size: int) -> None:
        raise OSError

    state = Kept()
    mine = Operators("counts", lambda _market: Counter(), fail)
    fold(mine, state, 0, 1)
    with pytest.raises(OSError):  # noqa: PT011 - it is the one above
        mine.flush()
    state.drop()
    assert fold(mine, state, 0, 1) == 2


def test_the_topics_of_a_stage_have_offsets_of_their_own() -> None:
    state, mine = Kept(), operators()
    fold(mine, state, 5, 6)
    held = mine.of(MARKET, "candles", 0, 0, state)  # type: ignore[arg-type]
    held.operator.update(1)
    held.offsets["candles"] = 0
    assert held.operator.snapshot() == b"3"
    mine.flush()
    state.commit()
    restored = operators().of(MARKET, "candles", 0, 1, state)  # type: ignore[arg-type]
    assert restored.offsets == {"trades": 6, "candles": 0}


def test_operators_of_several_keys_share_the_state_of_a_group() -> None:
    state, mine = Kept(), operators()
    fold(mine, state, 0, 1)
    other = mine.of("kraken:BTC/USD", "trades", 0, 2, state)  # type: ignore[arg-type]
    other.operator.update(5)
    other.offsets["trades"] = 2
    mine.flush()
    state.commit()
    again = operators()
    found = [
        again.of(market, "trades", 0, 3, state).operator.snapshot()  # type: ignore[arg-type]
        for market in (MARKET, "kraken:BTC/USD")
    ]
    assert found == [b"2", b"5"]


def test_a_message_that_comes_again_without_a_checkpoint_is_folded_once() -> None:
    state, mine = Kept(), operators()
    fold(mine, state, 0, 1)
    mine.flush()
    state.commit()
    fold(mine, state, 2, 3)
    assert fold(mine, state, 2, 3) == 4


def test_only_operators_of_lost_partitions_that_are_saved_are_forgotten() -> None:
    state, mine = Kept(), operators()
    fold(mine, state, 0)
    mine.forget_all_but(set())
    assert fold(mine, state, 1) == 2
    mine.flush()
    state.drop()
    mine.forget_all_but({0})
    assert MARKET in mine._held
    mine.forget_all_but({1})
    assert MARKET not in mine._held


@pytest.mark.parametrize("length", [0, 499_999, 500_000, 500_001, 1_700_000])
def test_a_snapshot_of_any_size_goes_through_messages_that_brokers_take(length: int) -> None:
    state = Kept()
    mine = operators(length)
    fold(mine, state, 0, 1, 2)
    mine.flush()
    assert max(len(value) for value in state.uncommitted.values()) <= 500_000
    state.commit()
    restored = operators().of(MARKET, "trades", 0, 3, state)  # type: ignore[arg-type]
    assert restored.operator.snapshot() == b"3"
    assert restored.offsets == {"trades": 2}


@pytest.mark.parametrize("error", [ValueError, TypeError, BadMessage])
def test_a_state_of_another_version_is_named_with_what_to_do(error: type[Exception]) -> None:
    class Newer(Counter):
        def restore(self, snapshot: bytes) -> None:
            raise error("it is of other timeframes")

    state, mine = Kept(), operators()
    fold(mine, state, 0)
    mine.flush()
    newer = Operators("counts", lambda _market: Newer(), lambda _market, _size: None)
    with pytest.raises(
        StateError, match=r"BTC/USDT in stage counts .*other timeframes.* `realtime reset counts`"
    ):
        newer.of(MARKET, "trades", 0, 1, state)  # type: ignore[arg-type]
