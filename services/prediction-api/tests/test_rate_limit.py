"""A caller has a bucket of requests that fills up again within a minute."""

from prediction_api.routes.rate_limit import RateLimit


class Clock:
    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


def test_all_may_be_asked_at_once_and_then_one_each_time_that_one_is_due() -> None:
    clock = Clock()
    limit = RateLimit(6, clock)  # one each 10 s
    assert [limit.take("a").remaining for _ in range(6)] == [5, 4, 3, 2, 1, 0]
    refused = limit.take("a")
    assert (refused.remaining, refused.retry_after_s) == (0, 10.0)
    clock.s += 4
    assert limit.take("a").retry_after_s == 6.0
    clock.s += 6
    assert limit.take("a").retry_after_s == 0.0
    assert limit.take("a").retry_after_s == 10.0
    clock.s += 60
    assert limit.take("a").remaining == 5


def test_callers_do_not_take_from_each_other() -> None:
    limit = RateLimit(1, Clock())
    assert limit.take("a").retry_after_s == 0.0
    assert limit.take("b").retry_after_s == 0.0
    assert limit.take("a").retry_after_s == 60.0


def test_what_is_left_is_told_as_the_draft_has_it() -> None:
    limit = RateLimit(120, Clock())
    limit.take("a")
    assert limit.take("a").headers() == [
        (b"ratelimit-policy", b'"minute";q=120;w=60'),
        (b"ratelimit", b'"minute";r=118;t=1'),
    ]


def test_who_has_not_asked_for_a_minute_is_forgotten() -> None:
    clock = Clock()
    limit = RateLimit(2, clock)
    for number in range(1_000):
        limit.take(str(number))
    clock.s += 60
    limit.take("last")
    assert list(limit._full_at_s) == ["last"]
