"""What is heard is shown, scored and counted once, whatever comes twice, late or from the past."""

import asyncio
from collections.abc import Callable
from math import log

import msgspec
import pytest

from marketstream.evidence import Evidence, Streams
from marketstream.messages import Candle, Model, Outcome, Prediction, Trades
from prediction_api.views.board import Seen
from prediction_api.views.event_queue import EventQueue, line
from prediction_api.views.market_views import Recalled

from .conftest import MARKET, Api

type Make[Made] = Callable[..., Made]


def counted(api: Api) -> tuple[int, int]:
    score = api.views.scores.score(MARKET, 1_000)
    return score.predictions, score.outcomes


def test_what_comes_twice_counts_once(
    api: Api, make_prediction: Make[Prediction], make_outcome: Make[Outcome]
) -> None:
    for _ in range(2):
        api.views.hear(make_prediction(), api.ns)
        api.views.hear(make_outcome(), api.ns)
    assert counted(api) == (1, 1)
    text = api.metrics.render().decode()
    assert (
        f'realtime_predictions_total{{direction="up",horizon_ms="1000",market="{MARKET}"}} 1.0'
        in text
    )
    assert "realtime_prediction_latency_seconds_count 1.0" in text


def test_predictions_can_be_read_before_the_rest_of_the_work_on_them_is_done(
    api: Api, make_prediction: Make[Prediction]
) -> None:
    api.see(12_000)
    said = [
        make_prediction(),
        make_prediction(10_500, preview=True),
        make_prediction(11_000),  # of the same market and horizon: what is told is still the first
    ]
    for prediction in said:
        api.views.show(prediction, api.ns)
    answer = api.client.get("/predictions/BTC-USDT").json()
    assert [shown["id"] for shown in answer["predictions"]] == [said[2].id]
    assert counted(api) == (0, 0)
    followed = EventQueue()
    api.views.feed.follow(MARKET, followed, encode=line)
    api.ns += 1_000_000_000  # what is told is when it could be read
    for prediction in [*said, *said[::2]]:
        api.views.hear(prediction, api.ns)
    assert counted(api) == (2, 0)
    told = asyncio.run(followed.next(1.0)) or b""
    assert [msgspec.json.decode(each)["data"]["id"] for each in told.splitlines()] == [
        said[0].id,
        said[2].id,
    ]
    assert "realtime_prediction_latency_seconds_sum 0.0" in api.metrics.render().decode()


def test_what_was_recalled_is_not_counted_again_when_it_is_told_again(
    api: Api,
    make_candle: Make[Candle],
    make_prediction: Make[Prediction],
    make_outcome: Make[Outcome],
) -> None:
    model = Model(MARKET, "1s", 1_000, "logistic", "7", 5_000, 600, {})
    stored = make_prediction(made_at_ms=10_002, latency_us=900)
    api.views.recall(Recalled([make_candle(9_000)], [stored], [make_outcome()], [model]))
    api.views.hear(stored, 0)
    api.views.hear(make_outcome(), 0)
    assert counted(api) == (1, 1)
    view = api.client.get("/view/BTC-USDT").json()
    assert [row[0] for row in view["candles"]] == [9_000]
    assert view["points"]["1000"] == [[10_000, 11_000, 100.0, 100.001, 99.0, 101.0, "up", "right"]]
    assert api.views.overview.system(MARKET).models[1_000].version == "7"


def test_late_predictions_are_served_but_neither_drawn_nor_scored(
    api: Api, make_prediction: Make[Prediction], make_outcome: Make[Outcome]
) -> None:
    api.see(12_000)
    api.views.hear(make_prediction(made_at_ms=11_500, late=True), api.ns)
    api.views.hear(make_outcome(late=True), api.ns)
    assert counted(api) == (0, 0)
    assert api.client.get("/view/BTC-USDT").json()["points"]["1000"] == []
    (shown,) = api.client.get("/predictions/BTC-USDT").json()["predictions"]
    assert shown["made_at_ms"] == 11_500


def test_an_outcome_that_was_late_once_is_not_scored_when_it_is_told_again(
    api: Api, make_outcome: Make[Outcome]
) -> None:
    api.views.hear(make_outcome(late=True), api.ns)
    api.views.hear(make_outcome(), api.ns)
    assert counted(api) == (0, 0)


def test_a_challenger_does_not_speak_for_the_champion(
    api: Api, make_prediction: Make[Prediction], make_outcome: Make[Outcome]
) -> None:
    api.see(10_000)
    api.views.hear(make_prediction(direction="up"), api.ns)
    api.views.hear(make_prediction(11_000, role="challenger", direction="down"), api.ns)
    api.views.hear(make_outcome(role="challenger"), api.ns)
    assert counted(api) == (1, 0)
    (shown,) = api.client.get("/predictions/BTC-USDT").json()["predictions"]
    assert shown["direction"] == "up"


def test_history_says_nothing_of_the_feed_or_of_latency(
    api: Api, make_prediction: Make[Prediction]
) -> None:
    api.views.hear(Trades(MARKET, (), None, 9_000_000), 0)
    assert api.client.get("/health").json()["status"] == "connecting"
    api.views.hear(make_prediction(made_at_ms=10_000, late=True), 0)
    assert api.views.live.latency(MARKET) is None
    assert "realtime_prediction_latency_seconds_count 0.0" in api.metrics.render().decode()


def test_trades_that_nobody_decoded_say_how_far_a_market_is_seen(api: Api) -> None:
    api.views.hear(Seen(MARKET, 9_000_000), api.ns)
    age = api.views.board.age(MARKET)
    assert age is not None
    assert age.as_of_ms == 9_000


def test_markets_of_somebody_elses_plan_are_passed_over(
    api: Api, make_prediction: Make[Prediction]
) -> None:
    api.views.hear(make_prediction(market="kraken:BTC/USDT"), api.ns)
    api.views.hear(Seen("kraken:BTC/USDT", 9_000_000), api.ns)
    assert counted(api) == (0, 0)
    assert api.client.get("/predictions/kraken/BTC-USDT").status_code == 404


def test_what_is_proven_of_a_market_waits_until_its_past_is_known(
    api: Api, make_outcome: Make[Outcome]
) -> None:
    for second in range(400):
        api.views.hear(make_outcome(1_000 * second), 0)
    assert api.views.scores.proof(MARKET, 1_000).verdict == "not known yet"
    api.views.scores.remember(MARKET, [])
    proof = api.views.scores.proof(MARKET, 1_000)
    assert (proof.verdict, proof.outcomes, proof.since_ms) == ("skill", 400, 0)


def test_outcomes_of_predictions_that_waited_for_quotes_are_counted_apart(
    api: Api, make_prediction: Make[Prediction], make_outcome: Make[Outcome]
) -> None:
    api.views.scores.remember(MARKET, [])
    for second, latency_ms in enumerate((0, 250, 1_001, 0)):
        api.views.hear(make_prediction(1_000 * second, label_latency_ms=latency_ms), api.ns)
    for second in range(4):
        api.views.hear(make_outcome(1_000 * second), 0)
    proof = api.views.scores.proof(MARKET, 1_000)
    assert proof.outcomes == 3, "one overlaps with more rows than is foreseen"
    evidence = Evidence(Streams.foreseen(1_000, 1_000))
    for second, latency_ms in ((0, 0), (1, 250), (3, 0)):
        evidence.happened(make_outcome(1_000 * second), latency_ms)
    assert proof == evidence.proof()


def test_horizons_that_are_no_longer_predicted_prove_nothing(
    api: Api, make_outcome: Make[Outcome]
) -> None:
    api.views.scores.remember(MARKET, [])
    api.views.hear(make_outcome(1_000, 60_000), 0)
    assert api.views.scores.proof(MARKET, 60_000).outcomes == 0


def test_the_scoreboard_has_the_log_loss_of_each_candidate_beside_what_was_served(
    api: Api, make_prediction: Make[Prediction], make_outcome: Make[Outcome]
) -> None:
    said = {"lightgbm": [0.7, 0.5, "lightgbm:7"], "imbalance_calibrated": [0.6, 0.5, "i:7"]}
    for second in range(3):
        api.views.hear(make_prediction(1_000 * second, p_up=0.52, p_flat=0.2, p_down=0.28,
                                       candidates=said), api.ns)  # fmt: skip
        api.views.hear(make_outcome(1_000 * second), 0)
    first, second = api.client.get("/scoreboard").json()[MARKET]
    assert list(first["candidates"]) == ["lightgbm", "served", "imbalance_calibrated"]
    assert first["candidates"]["lightgbm"] == {
        "rows": 3, "log_loss": pytest.approx(-log(0.7)),
        "ahead": pytest.approx(log(0.7) - log(0.65)),
    }  # fmt: skip
    assert second["candidates"] == {}


def test_how_sure_it_is_that_a_baseline_is_better_has_a_gauge_once_the_past_is_known(
    api: Api, make_outcome: Make[Outcome]
) -> None:
    rivals = {"majority": "right", "imbalance_sign": "right"}
    for second in range(60):
        api.views.hear(make_outcome(1_000 * second, 1_000, "wrong", baselines=rivals), 0)
    assert b"realtime_baseline_evidence_log10{" not in api.views.render_metrics()
    api.views.scores.remember(MARKET, [])
    text = api.views.render_metrics().decode()
    proof = api.views.scores.proof(MARKET, 1_000)
    assert proof.verdict == "worse than the best baseline"
    labels = f'horizon_ms="1000",market="{MARKET}"'
    for name in ("coin", "majority"):
        sure = proof.rivals[name].better
        gauge = f'realtime_baseline_evidence_log10{{baseline="{name}",{labels}}} {sure}'
        assert sure > 2
        assert gauge in text
    assert 'baseline="imbalance_sign"' not in text
