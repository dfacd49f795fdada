"""The routes answer as the contract says."""

from collections.abc import Callable

import pytest

from marketstream.messages import Candle, Feed, Learning, Prediction, Status

from .conftest import MARKET, Api

OTHER = "binance:ETH/USDT"

type Make[Message] = Callable[..., Message]


def test_stored_prediction_is_shown_again_while_its_moment_is_to_come_and_nothing_newer_is_there(
    api: Api, make_prediction: Make[Prediction]
) -> None:
    board = api.views.board
    api.ns = 10_500 * 1_000_000
    api.see(10_500)
    for close_time_ms in (9_000, 10_000):
        board.recall(make_prediction(close_time_ms, made_at_ms=close_time_ms + 3, latency_us=700))
    board.recall(make_prediction(9_500, made_at_ms=9_503, latency_us=700))  # already came true
    (shown,) = api.client.get("/predictions/BTC-USDT").json()["predictions"]
    assert (shown["for_ms"], shown["made_at_ms"], shown["latency_us"]) == (11_000, 10_003, 700)
    board.publish(make_prediction(10_250), api.ns)
    board.recall(make_prediction(10_000, made_at_ms=10_003, latency_us=700))
    (shown,) = api.client.get("/predictions/BTC-USDT").json()["predictions"]
    assert shown["for_ms"] == 11_250


def test_silence_counts_from_the_start_until_something_comes(api: Api) -> None:
    board = api.views.board
    api.ns += 7_000 * 1_000_000
    assert board.silence_ms(MARKET) == 7_000
    api.see(8_000)
    api.ns += 2_000 * 1_000_000
    assert board.silence_ms(MARKET) == 2_000


def test_the_answer_holds_every_field_of_the_contract(
    api: Api, make_prediction: Make[Prediction]
) -> None:
    api.see(10_000)
    received_ns = api.ns
    api.ns += 2_000_000
    said = {"made_at_ms": 10_002, "latency_us": 1_900}
    candidates = {"imbalance_sign": (0.6, 0.25, "imbalance_sign:7")}
    published = api.views.board.publish(make_prediction(**said, candidates=candidates), received_ns)
    assert published.latency_us == 2_000, "it is counted until the prediction is readable"
    api.views.board.publish(make_prediction(horizon_ms=2_000, **said), received_ns)
    api.ns += 5_000_000
    response = api.client.get("/predictions/BTC-USDT")
    assert response.status_code == 200
    body = response.json()
    assert list(body) == [
        "symbol", "as_of_ms", "data_age_ms", "stale", "stalled", "predictions", "previews",
        "verdicts",
    ]  # fmt: skip
    assert (body["symbol"], body["as_of_ms"], body["data_age_ms"], body["stale"]) == (
        "BTC/USDT", 10_007, 7, False,
    )  # fmt: skip
    assert [view["horizon_ms"] for view in body["predictions"]] == [1_000, 2_000]
    assert body["predictions"][0] == {
        "id": "binance:BTC/USDT:1s:10000:1000:champion:7", "timeframe": "1s", "horizon_ms": 1_000,
        "made_at_ms": 10_002, "for_ms": 11_000, "mid": 100.0, "predicted_price": 100.001,
        "expected_return": 1e-5, "p_up": 0.5, "p_flat": 0.2, "p_down": 0.3, "low": 99.0,
        "high": 101.0, "level": 0.8, "direction": "up", "reason": None,
        "model": {"name": "logistic", "version": "7"}, "latency_us": 2_000,
        "candidates": {
            "imbalance_sign": {"p_up": 0.6, "weight": 0.25, "model": "imbalance_sign:7"},
        },
    }  # fmt: skip
    assert [each["horizon_ms"] for each in body["verdicts"]] == [1_000, 2_000]
    assert set(body["verdicts"][0]) == {
        "horizon_ms", "verdict", "better", "log10_e", "alpha", "since_ms", "outcomes",
    }  # fmt: skip


def test_a_newer_prediction_replaces_the_older(api: Api, make_prediction: Make[Prediction]) -> None:
    api.see(10_000)
    api.views.hear(make_prediction(10_000), api.ns)
    assert api.client.get("/predictions/btc-usdt").json()["predictions"][0]["for_ms"] == 11_000
    api.views.hear(make_prediction(11_000), api.ns)
    assert api.client.get("/predictions/BTC-USDT").json()["predictions"][0]["for_ms"] == 12_000


def test_a_preview_never_takes_the_place_of_a_prediction(
    api: Api, make_prediction: Make[Prediction]
) -> None:
    api.see(10_000)
    preview = make_prediction(11_000, preview=True, made_at_ms=11_000)
    assert api.views.board.publish(preview, api.ns).made_at_ms == 10_000
    assert api.client.get("/predictions/BTC-USDT").status_code == 503
    api.views.hear(make_prediction(10_000), api.ns)
    api.views.hear(preview, api.ns)
    assert api.client.get("/predictions/BTC-USDT").json()["predictions"][0]["for_ms"] == 11_000


def test_a_preview_stands_beside_the_prediction_until_the_next_close(
    api: Api, make_prediction: Make[Prediction]
) -> None:
    api.see(10_000)
    api.views.hear(make_prediction(10_000), api.ns)
    api.views.hear(make_prediction(11_000, preview=True, direction="down"), api.ns)
    body = api.client.get("/predictions/BTC-USDT").json()
    assert body["predictions"][0]["direction"] == "up"
    assert body["previews"][0]["direction"] == "down"
    api.views.hear(make_prediction(11_000), api.ns)
    assert api.client.get("/predictions/BTC-USDT").json()["previews"] == []


def test_warming_up_says_what_is_missing_and_how_far_it_is(api: Api) -> None:
    api.see(10_000)
    api.say(Feed(connected=True, reconnects=0, missing_trades=0))
    api.say(Learning(73_000, 120_000, book=True, trainings={}))
    response = api.client.get("/predictions/BTC-USDT")
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["title"] == "Warming up"
    assert "73 of 120 s of market time seen" in body["detail"]
    assert body["missing"]["seen_ms"] == 73_000
    assert body["missing"]["needed_ms"] == 120_000


@pytest.mark.parametrize(
    ("symbol", "part"),
    [("ETH-USDT", "there is BTC-USDT"), ("nonsense", "is not a symbol"), ("%00", "not a symbol")],
)
def test_an_unknown_symbol_is_not_found_and_says_which_are(
    api: Api, symbol: str, part: str
) -> None:
    response = api.client.get(f"/predictions/{symbol}")
    assert response.status_code == 404
    assert part in response.json()["detail"]


def test_health_follows_the_data(api: Api, make_prediction: Make[Prediction]) -> None:
    client = api.client
    assert client.get("/health").json()["status"] == "connecting"
    api.see(10_000)
    assert client.get("/health").json()["status"] == "warming up"
    api.views.hear(make_prediction(), api.ns)
    healthy = client.get("/health")
    assert (healthy.status_code, healthy.json()["status"]) == (200, "ok")
    api.ns += 6_000_000_000
    stale = client.get("/health")
    assert (stale.status_code, stale.json()["status"]) == (503, "stale")
    assert client.get("/predictions/BTC-USDT").json()["stale"] is True


def test_while_a_market_is_stalled_health_and_predictions_say_so(
    api: Api, make_prediction: Make[Prediction]
) -> None:
    api.see(10_000)
    api.views.hear(make_prediction(10_000), api.ns)
    api.say(Feed(connected=True, reconnects=0, missing_trades=0, open_gaps=2, stalled_ms=1_500))
    stalled = api.client.get("/health")
    assert (stalled.status_code, stalled.json()["status"]) == (503, "stalled")
    market = stalled.json()["markets"][MARKET]
    assert (market["status"], market["open_gaps"], market["stalled_ms"]) == ("stalled", 2, 1_500)
    assert api.client.get("/predictions/BTC-USDT").json()["stalled"] is True
    api.say(Feed(connected=True, reconnects=0, missing_trades=0))
    assert api.client.get("/health").json()["status"] == "ok"
    assert api.client.get("/predictions/BTC-USDT").json()["stalled"] is False


@pytest.mark.parametrize("other", [OTHER, None])
def test_one_market_that_is_stalled_takes_no_other_down(
    make_api: Make[Api], make_prediction: Make[Prediction], other: str | None
) -> None:
    api = make_api(MARKET, OTHER)
    for market in (MARKET, OTHER):
        api.see(10_000, market)
        api.views.hear(make_prediction(market=market), api.ns)
    stalled = Feed(connected=True, reconnects=0, missing_trades=0, stalled_ms=1_500)
    api.say(stalled)
    if other is None:
        api.say(stalled, OTHER)
    answer = api.client.get("/health")
    body = answer.json()
    assert answer.status_code == (200 if other else 503)
    assert (body["status"], body["stale"]) == ("stalled", [])
    assert body["stalled"] == ([MARKET] if other else [MARKET, OTHER])


def test_while_one_market_is_stale_and_the_other_never_came_nothing_can_be_served(
    make_api: Make[Api],
) -> None:
    api = make_api(MARKET, OTHER)
    api.see(10_000)
    api.ns += 6_000_000_000
    answer = api.client.get("/health")
    assert (answer.status_code, answer.json()["stale"]) == (503, [MARKET])


def test_what_a_market_lacks_can_be_measured(api: Api, make_candle: Make[Candle]) -> None:
    api.say(Feed(connected=True, reconnects=0, missing_trades=7, open_gaps=2, stalled_ms=1_500))
    for candle in (
        make_candle(1_000), make_candle(2_000, complete=None), make_candle(3_000, complete=False),
        make_candle(2_000, complete=False, revision=1), make_candle(4_000, state="forming"),
    ):  # fmt: skip
        api.views.hear(candle, 0)
    shown = api.client.get("/metrics").text.splitlines()
    of_market = f'market="{MARKET}"'
    assert f"realtime_stalled_seconds{{{of_market}}} 1.5" in shown
    assert f"realtime_open_gaps{{{of_market}}} 2.0" in shown
    assert f"realtime_missing_trades{{{of_market}}} 7.0" in shown
    counts = {"complete": 1, "incomplete": 2, "unknown": 0}
    for word, count in counts.items():
        labels = f'certificate="{word}",{of_market},timeframe="1s"'
        assert f"realtime_recent_candles{{{labels}}} {count}.0" in shown
    api.say(Feed(connected=True, reconnects=0, missing_trades=7))
    shown = api.client.get("/metrics").text.splitlines()
    assert f"realtime_stalled_seconds{{{of_market}}} 0.0" in shown


def test_after_the_end_of_a_recording_silence_is_no_fault(
    api: Api, make_prediction: Make[Prediction]
) -> None:
    api.see(10_000)
    api.views.hear(make_prediction(10_000), api.ns)
    feed = Feed(connected=False, reconnects=0, missing_trades=0, ended=True)
    api.views.hear(Status(MARKET, "trades", feed), api.ns)
    api.ns += 6_000_000_000
    ended = api.client.get("/health")
    assert (ended.status_code, ended.json()["status"]) == (200, "ended")
    assert api.client.get("/predictions/BTC-USDT").json()["stale"] is False


def test_a_recording_is_not_stale_for_being_old_and_latency_is_real_time_at_any_speed(
    make_api: Make[Api], make_prediction: Make[Prediction]
) -> None:
    api = make_api(speed=5.0)
    api.see(1_000)
    received_ns = api.ns
    api.ns += 10_000_000
    prediction = make_prediction(1_000, made_at_ms=1_010)
    assert api.views.board.publish(prediction, received_ns) == (1_010, 2_000, 0)
    api.ns += 24_000_000_000
    assert not api.views.board.stale(MARKET)


def test_metrics_and_the_index_answer(api: Api) -> None:
    api.metrics.trades.labels(MARKET).inc(5)
    text = api.client.get("/metrics").text
    assert f'realtime_trades_total{{market="{MARKET}"}} 5.0\n' in text
    assert "/predictions/BTC-USDT" in api.client.get("/routes").json()["routes"]


def test_the_schema_names_every_route_and_what_it_does_built_or_not(api: Api) -> None:
    schema = api.client.get("/openapi.json")
    assert schema.status_code == 200
    paths = schema.json()["paths"]
    assert set(paths) >= {
        "/routes", "/health", "/metrics",
        *(f"/{name}/{market}" for name in ("predictions", "view", "stream")
          for market in ("{symbol}", "{venue}/{symbol}")),
    }  # fmt: skip
    described = paths["/predictions/{venue}/{symbol}"]["get"]
    assert described["description"].startswith("Return the newest prediction of each horizon")
    names = [each["name"] for each in described["parameters"]]
    assert names == ["venue", "symbol", "horizon", "timeframe", "target"]
    answered = described["responses"]["200"]["content"]["application/json"]["schema"]
    kinds = [each["$ref"].rpartition("/")[2] for each in answered["anyOf"]]
    assert kinds == ["MarketPredictions", "MarketMoves"]


def test_a_market_name_is_a_key_that_round_trips(api: Api) -> None:
    (market,) = api.client.get("/routes").json()["markets"]
    assert market == {
        "market": MARKET, "venue": "binance", "symbol": "BTC/USDT", "path": "binance/BTC-USDT",
    }  # fmt: skip
    assert list(api.client.get("/health").json()["markets"]) == [MARKET]


def test_a_prediction_that_does_not_say_when_it_was_made_is_of_the_markets_now(
    api: Api, make_prediction: Make[Prediction]
) -> None:
    api.see(10_000)
    api.views.hear(make_prediction(9_000, made_at_ms=None), api.ns)
    (shown,) = api.client.get("/predictions/BTC-USDT").json()["predictions"]
    assert shown["made_at_ms"] == 10_000
