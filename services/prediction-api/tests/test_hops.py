"""How long each part of the way to a prediction takes, as the dashboard is told it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from marketstream.messages import Prediction
from prediction_api.views.board import Published
from prediction_api.views.event_queue import EventQueue
from prediction_api.views.hops import Hops
from prediction_api.views.wire import Hop

from .conftest import MARKET, Api
from .test_moves import forecast

type Make = Callable[..., Prediction]


def test_the_parts_after_the_receipt_add_up_to_the_whole(
    make_prediction: Make,
) -> None:
    hops = Hops()
    assert hops.latency() is None
    for _ in range(100):
        hops.passed(make_prediction(latency_us=900), Published(10_000, 1_200, 61_000))
    hops.passed(make_prediction(latency_us=4_000), Published(10_000, 9_000, 200_000))
    hops.passed(make_prediction(latency_us=5_000), Published(10_000, 9_500, -2_000))
    told = hops.latency()
    assert told is not None
    assert (told.p50_us, told.p99_us, told.count) == (1_200, 9_000, 102)
    assert told.hops == [
        Hop("exchange", 61_000, 61_000), Hop("prediction", 900, 4_000), Hop("api", 300, 4_500),
    ]  # fmt: skip


def test_a_part_that_nobody_measured_is_left_out(make_prediction: Make) -> None:
    hops = Hops()
    hops.passed(make_prediction(), Published(10_000, 1_200))
    told = hops.latency()
    assert told is not None
    assert (told.count, told.hops) == (1, [])


def test_a_close_is_so_long_before_its_receipt_in_the_same_time_alone(
    make_api: Callable[..., Api], make_prediction: Make
) -> None:
    """A recording of yesterday is of another time; one that is played fast took less real time."""
    cases = (
        (1.0, 10_250, 250_000), (10.0, 10_250, 25_000),
        (1.0, 9_990, -10_000), (1.0, 86_410_000, None),
    )  # fmt: skip
    for speed, received_ms, wanted_us in cases:
        api = make_api(speed=speed)
        api.ns = received_ms * 1_000_000 + 3_000_000
        published = api.views.board.publish(make_prediction(10_000), received_ms * 1_000_000)
        assert published.heard_us == wanted_us


def test_who_follows_a_market_is_told_when_it_is_said_anew_how_far_it_goes(api: Api) -> None:
    queue = EventQueue()
    api.views.live.follow(MARKET, queue)
    said: list[Any] = [forecast(60_000), forecast(60_000), forecast(60_000, target="range")]
    for one in said:  # one comes twice
        api.views.hear(one, 1)
    api.views.hear(forecast(120_000), 0)  # of the past
    assert asyncio.run(queue.next(0.01)) == (
        b'event: moves\ndata: {"target":"volatility"}\n\nevent: moves\ndata: {"target":"range"}\n\n'
    )
