from __future__ import annotations

from trades.backoff import Backoff


def test_waits_grow_with_each_failure_up_to_the_longest_and_start_again_after_a_reset() -> None:
    backoff = Backoff(first_s=0.5, longest_s=30.0)
    limits_s = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    for _ in range(2):
        assert all(0.0 <= backoff.next_s() <= limit_s for limit_s in limits_s)
        backoff.reset()


def test_waits_are_spread_over_the_whole_range() -> None:
    backoff = Backoff(first_s=1.0, longest_s=1.0)
    waits_s = [backoff.next_s() for _ in range(2_000)]
    assert min(waits_s) < 0.1
    assert max(waits_s) > 0.9
