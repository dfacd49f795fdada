"""The live view keeps what is newest, and tells whoever watches."""

import asyncio
import json
from collections.abc import Callable

import pytest

from marketstream.messages import Candle, Outcome, Prediction
from prediction_api.views.board import Published
from prediction_api.views.event_queue import EventQueue
from prediction_api.views.live import LiveView
from prediction_api.views.wire import Latency

MARKET = "binance:BTC/USDT"
IN_TIME = Published(made_at_ms=10_001, latency_us=900)

type Make[Message] = Callable[..., Message]


@pytest.fixture
def live() -> LiveView:
    return LiveView([MARKET], "1s", [1_000, 2_000], candles=3, predictions=2)


def heard(queue: EventQueue) -> list[tuple[str, object]]:
    raw = asyncio.run(queue.next(0.01)) or b""
    events = [part.split(b"\ndata: ") for part in raw.split(b"\n\n") if part]
    return [(name.removeprefix(b"event: ").decode(), json.loads(data)) for name, data in events]


def test_rings_keep_the_newest(
    live: LiveView, make_candle: Make[Candle], make_prediction: Make[Prediction]
) -> None:
    for second in range(10, 20):
        live.saw_candle(make_candle(second * 1_000))
        live.predicted(make_prediction(second * 1_000), Published(second * 1_000, 5))
    view = live.view(MARKET)
    assert [row.open_time_ms for row in view.candles] == [17_000, 18_000, 19_000]
    assert [point.close_time_ms for point in view.points[1_000]] == [18_000, 19_000]
    assert view.points[2_000] == []
    assert view.newest[1_000].for_ms == 20_000


def test_other_timeframes_and_challengers_are_passed_over(
    live: LiveView, make_candle: Make[Candle], make_prediction: Make[Prediction]
) -> None:
    live.saw_candle(make_candle(timeframe="250ms"))
    live.predicted(make_prediction(role="challenger"), IN_TIME)
    live.predicted(make_prediction(horizon_ms=5_000), IN_TIME)
    view = live.view(MARKET)
    assert (view.candles, view.points, view.newest) == ([], {1_000: [], 2_000: []}, {})


def test_a_later_revision_replaces_a_candle_in_its_place(
    live: LiveView, make_candle: Make[Candle]
) -> None:
    for open_time_ms in (10_000, 11_000, 12_000):
        live.saw_candle(make_candle(open_time_ms))
    live.saw_candle(make_candle(11_000, close=101.5, revision=1))
    live.saw_candle(make_candle(9_000))
    candles = live.view(MARKET).candles
    assert [(row.open_time_ms, row.close) for row in candles] == [
        (10_000, 101.0), (11_000, 101.5), (12_000, 101.0),
    ]  # fmt: skip


def test_a_revision_that_is_told_again_does_not_take_back_a_later_one(
    live: LiveView, make_candle: Make[Candle]
) -> None:
    queue = EventQueue()
    live.saw_candle(make_candle(10_000, close=101.5, revision=2))
    live.follow(MARKET, queue)
    live.saw_candle(make_candle(10_000, close=101.0, revision=1))
    assert [row.close for row in live.view(MARKET).candles] == [101.5]
    assert heard(queue) == []


def test_a_forming_candle_is_shown_until_it_closes(
    live: LiveView, make_candle: Make[Candle]
) -> None:
    live.saw_candle(make_candle(10_000, state="forming", close=100.2))
    forming = live.view(MARKET).forming
    assert forming is not None
    assert (forming.close, forming.mid) == (100.2, 101.0)
    live.saw_candle(make_candle(10_000))
    assert live.view(MARKET).forming is None


def test_an_outcome_is_put_to_its_prediction(
    live: LiveView, make_prediction: Make[Prediction], make_outcome: Make[Outcome]
) -> None:
    live.predicted(make_prediction(10_000), IN_TIME)
    live.predicted(make_prediction(11_000), IN_TIME)
    live.happened(make_outcome(10_000, verdict="wrong"))
    live.happened(make_outcome(5_000))
    verdicts = [point.verdict for point in live.view(MARKET).points[1_000]]
    assert verdicts == ["wrong", None]


def test_a_prediction_made_too_late_is_served_but_not_drawn(
    live: LiveView, make_prediction: Make[Prediction]
) -> None:
    late = make_prediction(10_000, made_at_ms=11_000, late=True)
    live.predicted(late, Published(made_at_ms=11_000, latency_us=1))
    view = live.view(MARKET)
    assert view.points[1_000] == []
    assert view.newest[1_000].made_at_ms == 11_000


def test_a_preview_lasts_until_the_next_prediction(
    live: LiveView, make_prediction: Make[Prediction]
) -> None:
    live.predicted(make_prediction(11_000, preview=True), IN_TIME)
    view = live.view(MARKET)
    assert (view.newest, view.points[1_000], live.latency(MARKET)) == ({}, [], None)
    assert view.previews[1_000].for_ms == 12_000
    live.predicted(make_prediction(11_000), IN_TIME)
    assert live.view(MARKET).previews == {}


def test_what_was_stored_is_shown_again(
    live: LiveView,
    make_candle: Make[Candle],
    make_prediction: Make[Prediction],
    make_outcome: Make[Outcome],
) -> None:
    rows = [
        make_prediction(10_000, made_at_ms=10_001),
        make_prediction(11_000, made_at_ms=12_500, late=True),
        make_prediction(11_000, role="challenger", made_at_ms=11_001),
        make_prediction(11_000, horizon_ms=60_000, made_at_ms=11_001),
    ]
    candles = [make_candle(9_000), make_candle(10_000, state="forming")]
    live.preload(candles, rows, [make_outcome(10_000), make_outcome(11_000)])
    view = live.view(MARKET)
    assert [row.open_time_ms for row in view.candles] == [9_000]
    assert [(p.close_time_ms, p.verdict) for p in view.points[1_000]] == [(10_000, "right")]
    assert view.newest == {}


def test_queues_are_told_what_the_view_then_shows(
    live: LiveView,
    make_candle: Make[Candle],
    make_prediction: Make[Prediction],
    make_outcome: Make[Outcome],
) -> None:
    queue = EventQueue()
    live.follow(MARKET, queue)
    live.saw_candle(make_candle(9_000, state="forming"))
    live.saw_candle(make_candle(9_000))
    live.predicted(make_prediction(10_000), IN_TIME)
    live.happened(make_outcome(10_000))
    candle = [9_000, 100.0, 102.0, 99.0, 101.0, 101.0, 1.0]
    news = heard(queue)
    assert news[:2] == [("forming", candle), ("candle", candle)]
    name, predicted = news[2]
    assert name == "prediction"
    assert isinstance(predicted, dict)
    assert predicted["prediction"]["latency_us"] == 900
    assert predicted["point"] == [10_000, 11_000, 100.0, 100.001, 99.0, 101.0, "up", None]
    assert news[3:] == [
        ("outcome", {"horizon_ms": 1_000, "close_time_ms": 10_000, "verdict": "right",
                     "realised_mid": 100.5}),
    ]  # fmt: skip
    live.forget(MARKET, queue)
    live.saw_candle(make_candle(11_000))
    assert heard(queue) == []


def test_a_queue_that_falls_behind_is_dropped_and_keeps_nothing(
    live: LiveView, make_candle: Make[Candle]
) -> None:
    slow, quick = EventQueue(most=3), EventQueue(most=100)
    live.follow(MARKET, slow)
    live.follow(MARKET, quick)
    for second in range(10, 20):
        live.saw_candle(make_candle(second * 1_000))
    assert live.followers == 1
    assert asyncio.run(slow.next(0.01)) is None
    assert len(heard(quick)) == 10


def test_closing_ends_all_streams(live: LiveView) -> None:
    queue = EventQueue()
    live.follow(MARKET, queue)
    live.close()
    assert asyncio.run(queue.next(0.01)) is None
    assert live.followers == 0


def test_a_stream_that_is_opened_while_the_server_stops_ends_at_once(live: LiveView) -> None:
    live.close()
    queue = EventQueue()
    live.follow(MARKET, queue)
    assert asyncio.run(queue.next(0.01)) is None
    assert live.followers == 0


def test_latency_is_that_of_the_newest_predictions(
    live: LiveView, make_prediction: Make[Prediction]
) -> None:
    assert live.latency(MARKET) is None
    for number in range(1, 1_101):
        live.predicted(make_prediction(number * 1_000), Published(number * 1_000, number))
    assert live.latency(MARKET) == Latency(p50_us=600, p99_us=1_090, count=1_000, hops=[])
