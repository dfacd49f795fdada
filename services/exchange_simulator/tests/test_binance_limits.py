from exchange_simulator.serving.limits import Refusal, SlidingWindow, WeightLimit

MINUTE = 1_723_161_600.0


def test_window_allows_five_a_second_and_five_more_a_second_later() -> None:
    window = SlidingWindow(5, 1.0)
    assert [window.allows(0.1 * n) for n in range(6)] == [True] * 5 + [False]
    assert window.allows(1.0)
    assert not window.allows(1.05)
    assert window.allows(1.1)


def test_weight_over_the_limit_has_to_wait_for_the_next_minute() -> None:
    limit = WeightLimit(10)
    assert limit.charge(8, MINUTE + 40) is None
    assert limit.charge(4, MINUTE + 45) == Refusal(429, 15, None)
    assert limit.charge(4, MINUTE + 60) is None
    assert limit.used == 4


def test_who_does_not_heed_a_429_is_banned_and_longer_each_time() -> None:
    limit = WeightLimit(1)
    answers = [limit.charge(2, MINUTE) for _ in range(12)]
    assert [answer.status for answer in answers if answer] == [429] * 10 + [418] * 2
    assert answers[-1] == Refusal(418, 120, MINUTE + 120)
    assert limit.charge(1, MINUTE + 119) == Refusal(418, 1, MINUTE + 120)
    assert limit.charge(1, MINUTE + 120) is None
    for _ in range(12):
        last = limit.charge(2, MINUTE + 121)
    assert last == Refusal(418, 240, MINUTE + 361)
