"""How long fresh predictions take is told apart from how long other faults went on."""

from __future__ import annotations

import threading

import pytest

from realtime_bench.soak.freshness import Watch, first_fresh_ms, free_ms


def test_a_prediction_is_fresh_where_it_knows_the_market_of_after_the_fault() -> None:
    samples = [(1_500, 900), (2_000, 1_000), (2_600, 2_000)]
    assert first_fresh_ms(samples, 1_000) == 2_000
    assert first_fresh_ms(samples, 1_001) == 2_600
    assert first_fresh_ms(samples, 2_001) is None


@pytest.mark.parametrize(
    ("faults", "free"),
    [
        ([], 1_000),
        ([(0, 2_000)], 0),
        ([(1_200, 1_300), (1_250, 1_500)], 700),
        ([(0, 1_100), (1_900, 5_000)], 800),
        ([(0, 500), (2_000, 3_000)], 1_000),
    ],
)
def test_what_other_faults_lay_over_is_not_counted(
    faults: list[tuple[float, float]], free: float
) -> None:
    assert free_ms(1_000, 2_000, faults) == free


def test_only_markets_of_which_something_is_expected_are_asked() -> None:
    asked: list[str] = []

    def decided_ms(symbol: str) -> int:
        asked.append(symbol)
        return 5_000

    watch, stop = Watch(["BTC/USDT", "ETH/USDT"], decided_ms), threading.Event()
    watch.expect(["BTC/USDT"], 5_000)
    watching = threading.Thread(target=watch.run, args=(stop,))
    watching.start()
    assert watch.wait(["BTC/USDT"], 10, stop)
    stop.set()
    watching.join()
    assert asked == ["BTC/USDT"]
    assert watch.are_fresh()


def test_what_does_not_come_is_waited_for_no_longer_than_asked() -> None:
    watch = Watch(["BTC/USDT"], lambda _: None)
    watch.expect(["BTC/USDT"], 1)
    assert not watch.wait(["BTC/USDT"], 0, threading.Event())
