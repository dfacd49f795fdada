"""What services say of themselves is what the API says of them."""

from collections.abc import Callable

import pytest

from marketstream.messages import Feed, Learning, Model, Outcome, Parity, Prediction, Recomputed

from .conftest import MARKET, Api

CONNECTED = Feed(connected=True, reconnects=2, missing_trades=3)
TRAINED = Learning(130_000, 120_000, book=True, trainings={1_000: 4})
MODEL = Model(MARKET, "1s", 1_000, "lightgbm", "7", 90_000, 600, {"skill": 0.1})

type Make[Made] = Callable[..., Made]


def details(api: Api) -> dict[str, object]:
    said: dict[str, object] = api.client.get("/health").json()["markets"][MARKET]
    return said


def test_before_anybody_has_said_anything_that_is_said(api: Api) -> None:
    missing = api.views.overview.warming_up(MARKET)
    assert missing.detail == (
        f"{MARKET}: nothing received yet, and no word of the trades service: does it run?"
    )
    api.see(10_000)
    assert "no word of the predictor yet" in api.views.overview.warming_up(MARKET).detail
    assert details(api) == {
        "status": "warming up", "data_age_ms": 0, "models": {},
        "accuracy": {"1000": None, "2000": None}, "missing_trades": None,
        "open_gaps": None, "stalled_ms": None, "quote_lag_ms": None, "book": None,
        "parity": {"compared": 0, "equal": 0, "incomplete": 0, "differences": []},
        "recomputed": {
            "windows": 0, "equal": 0, "differing": 0, "undecided": 0, "largest": None,
            "newest": None,
        },
    }  # fmt: skip
    feed = api.views.overview.system(MARKET).feed
    assert (feed.exchange, feed.connected, feed.reconnects, feed.parity) == (
        "binance", False, None, None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("learning", "part"),
    [
        (Learning(0, 120_000, book=False, trainings={}), "no best bid and ask seen yet"),
        (Learning(73_900, 120_000, book=True, trainings={}), "73 of 120 s of market time seen"),
        (Learning(130_000, 120_000, book=True, trainings={}), "the first model is being trained"),
        (Learning(130_000, 120_000, book=True, trainings={}, failure="one class only"),
         "the training brought no model: one class only"),
    ],
)  # fmt: skip
def test_what_a_market_lacks_is_said_step_by_step(api: Api, learning: Learning, part: str) -> None:
    api.say(Feed(connected=True, reconnects=0, missing_trades=0, history=0.42))
    api.say(learning)
    assert f"{MARKET}: 42% of the history read" in api.views.overview.warming_up(MARKET).detail
    api.say(CONNECTED)
    assert api.views.overview.warming_up(MARKET).detail == f"{MARKET}: nothing received yet"
    api.see(10_000)
    missing = api.views.overview.warming_up(MARKET)
    assert part in missing.detail
    assert (missing.seen_ms, missing.needed_ms) == (learning.seen_ms, 120_000)


def test_a_model_that_serves_only_waits_for_a_close(api: Api) -> None:
    api.see(10_000)
    api.say(TRAINED)
    api.views.overview.recall(MODEL)
    assert "the first model is being trained" in api.views.overview.warming_up(MARKET).detail
    api.views.hear(MODEL, 0)
    assert "a model serves" in api.views.overview.warming_up(MARKET).detail


def test_the_newest_word_counts(api: Api) -> None:
    for feed in (Feed(connected=False, reconnects=1, missing_trades=9), CONNECTED):
        api.say(feed)
    api.say(Parity(200, 199, 1, [{"field": "high", "ours": "1"}]))
    said = details(api)
    assert said["missing_trades"] == 3
    assert said["parity"] == {
        "compared": 200, "equal": 199, "incomplete": 1,
        "differences": [{"field": "high", "ours": "1"}],
    }  # fmt: skip
    api.say(Recomputed(2, 118, 1, 1, 0.5, {"feature": "macd"}))
    assert details(api)["recomputed"] == {
        "windows": 2, "equal": 118, "differing": 1, "undecided": 1, "largest": 0.5,
        "newest": {"feature": "macd"},
    }  # fmt: skip
    feed = api.views.overview.system(MARKET).feed
    assert (feed.connected, feed.reconnects, feed.missing_trades) == (True, 2, 3)
    assert (feed.parity, feed.compared) == (0.995, 200)


def test_a_feed_that_has_long_said_nothing_is_not_connected(api: Api) -> None:
    api.say(CONNECTED)
    api.ns += 5_000_000_000
    assert api.views.overview.system(MARKET).feed.connected
    api.ns += 1_000_000
    assert not api.views.overview.system(MARKET).feed.connected


def test_the_model_that_began_last_serves_even_an_older_one_and_after_any_that_is_recalled(
    api: Api,
) -> None:
    older = Model(MARKET, "1s", 1_000, "logistic", "6", 60_000, 500, {})
    api.views.hear(MODEL, 0)
    api.views.hear(older, 0)
    api.views.overview.recall(MODEL)
    api.say(TRAINED)
    assert details(api)["models"] == {"1000": {"name": "logistic", "version": "6"}}
    served = api.views.overview.system(MARKET).models
    assert (served[1_000].rows, served[1_000].trainings) == (500, 4)
    trained = 'realtime_model_trained_timestamp_seconds{horizon_ms="1000"'
    assert f'{trained},market="{MARKET}"}} 60.0' in api.client.get("/metrics").text


def test_accuracy_is_that_of_what_was_in_time(
    api: Api, make_prediction: Make[Prediction], make_outcome: Make[Outcome]
) -> None:
    for number, (verdict, late) in enumerate(
        [("right", False), ("wrong", False), ("wrong", True), ("right", False), ("right", False)]
    ):
        close_ms = 10_000 + 1_000 * number
        api.views.hear(make_prediction(close_ms, late=late), api.ns)
        api.views.hear(make_outcome(close_ms, verdict=verdict, late=late), api.ns)
    assert details(api)["accuracy"] == {"1000": 0.75, "2000": None}
    text = api.client.get("/metrics").text
    labels = f'horizon_ms="1000",market="{MARKET}"'
    assert f"realtime_accuracy_ratio{{{labels}}} 0.75" in text
