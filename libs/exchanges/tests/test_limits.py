from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from exchanges.limits import Limit, limit_of, seconds_of


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_refusal_is_waited_out_for_as_long_as_it_says() -> None:
    clock = Clock()
    limit = Limit(clock)
    assert limit.wait_s() == 0
    limit.refused("120", limit.asked(0.0))
    clock.now_s += 100
    assert limit.wait_s() == pytest.approx(20)
    limit.refused("1", limit.asked(0.0))  # what was said before holds
    assert limit.wait_s() == pytest.approx(20)


def test_refusals_that_do_not_say_how_long_get_longer_until_there_is_an_answer() -> None:
    clock = Clock()
    limit = Limit(clock)
    waits = []
    for retry_after in (None, "0", "soon", "-5"):
        limit.refused(retry_after, limit.asked(0.0))
        waits.append(limit.wait_s())
        clock.now_s += 100
    assert waits == [0.25, 0.5, 1.0, 2.0]
    limit.answered({}, "", 0)
    limit.refused(None, limit.asked(0.0))
    assert limit.wait_s() == 0.25


def test_requests_that_were_refused_together_are_one_refusal() -> None:
    clock = Clock()
    limit = Limit(clock)
    together = [limit.asked(0.0) for _ in range(20)]
    clock.now_s += 0.1
    for asked_s in together:
        limit.refused(None, asked_s)
    assert limit.wait_s() == 0.25
    clock.now_s += 1.0
    limit.refused(None, limit.asked(0.0))
    assert limit.wait_s() == 0.5


def test_requests_are_as_far_apart_as_they_have_to_be() -> None:
    clock = Clock()
    limit = Limit(clock)
    limit.asked(0.0)
    assert limit.wait_s() == 0
    limit.asked(0.2)
    assert limit.wait_s() == pytest.approx(0.2)
    clock.now_s += 0.15
    limit.asked(0.0)  # of whoever need not wait
    assert limit.wait_s() == pytest.approx(0.05)


def test_no_ban_is_longer_than_three_days() -> None:
    limit = Limit(Clock())
    limit.refused("9" * 30, limit.asked(0.0))
    assert limit.wait_s() == 3 * 86_400


@pytest.mark.parametrize(
    ("used", "wait_s"),
    [("0", 0), ("4800", 0), ("5400", 30), ("6000", 60), ("9999", 60), ("many", 0), ("-1", 0)],
)
def test_a_minute_that_is_nearly_used_up_is_stretched(used: str, wait_s: float) -> None:
    limit = Limit(Clock())
    limit.answered({"Used": used}, "Used", 6_000)
    assert limit.wait_s() == pytest.approx(wait_s)


def test_a_date_to_wait_until_is_understood() -> None:
    until = datetime.now(UTC) + timedelta(seconds=60)
    assert 58 < seconds_of(format_datetime(until, usegmt=True)) <= 60
    assert seconds_of("Thu, 01 Jan 2009 00:00:00 GMT") == 0


def test_a_server_has_one_limit() -> None:
    assert limit_of("http://one.example") is limit_of("http://one.example")
    assert limit_of("http://one.example") is not limit_of("http://two.example")
