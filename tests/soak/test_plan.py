"""Which faults a soak brings is a matter of its seed, and every kind comes."""

from __future__ import annotations

from collections import Counter

import pytest

from realtime_bench.soak.kinds import KINDS, SKEWED
from realtime_bench.soak.plan import Kill, Plan, Storm, plan

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")


def kinds_of(planned: Plan) -> Counter[str]:
    found: Counter[str] = Counter()
    for item in planned.connection:
        if isinstance(item, Kill):
            found.update([item.kind, SKEWED] if item.clock_off_s else [item.kind])
        else:
            found.update([item.carrier, *item.companions])
    for faults in planned.markets.values():
        found.update(fault.kind for fault in faults)
    return found


def test_the_same_seed_plans_the_same_and_another_one_something_else() -> None:
    assert plan(7, SYMBOLS, 2) == plan(7, SYMBOLS, 2)
    assert plan(7, SYMBOLS, 2) != plan(8, SYMBOLS, 2)


@pytest.mark.parametrize("times", [1, 10])
def test_every_kind_comes_as_often_as_asked(times: int) -> None:
    assert kinds_of(plan(7, SYMBOLS, times)) == dict.fromkeys(KINDS, times)


def test_markets_have_about_as_many_faults_of_their_own_as_each_other() -> None:
    counts = [len(faults) for faults in plan(7, SYMBOLS, 10).markets.values()]
    assert max(counts) - min(counts) <= 1


def test_nothing_is_killed_in_the_first_half_of_the_storms() -> None:
    connection = plan(7, SYMBOLS, 10).connection
    storms = [isinstance(item, Storm) for item in connection]
    assert all(storms[: sum(storms) // 2])
    assert not all(storms)


def test_what_only_a_new_connection_meets_comes_with_one_that_ends() -> None:
    planned = plan(7, SYMBOLS, 3, {"connect_503", "rest_500"})
    assert [storm.carrier for storm in planned.connection if isinstance(storm, Storm)] == [
        "cut", "cut", "cut",
    ]  # fmt: skip
    assert kinds_of(planned) == {"cut": 3, "connect_503": 3, "rest_500": 3}
