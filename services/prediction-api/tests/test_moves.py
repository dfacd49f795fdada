"""How far a market is said to go is asked by `target`, followed, and scored beside baselines."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from math import sqrt
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from marketstream.messages import HowFar, Learning, MoveForecast, MoveOutcome
from marketstream.store.port import Store
from marketstream.store.sql import open_store
from prediction_api.views import moves
from prediction_api.views.market_views import Recalled
from prediction_api.views.moves import MoveBoard, score_of

from .conftest import MARKET, Api, served

MINUTE = 60_000
QUANTILES = tuple(1e-8 * (1 + place) for place in range(19))


def forecast(close_ms: int, horizon_ms: int = MINUTE, **changed: Any) -> MoveForecast:
    one = MoveForecast(
        MARKET, "1s", close_ms, horizon_ms, "volatility", "ridge", "7", "mid", 0, 1e-6, QUANTILES,
        {"har": 4e-6, "ewma": 9e-6}, 1e-9, made_at_ms=close_ms + 2, latency_us=2_000,
    )  # fmt: skip
    return replace(one, **changed)


def outcome(close_ms: int, horizon_ms: int = MINUTE, **changed: Any) -> MoveOutcome:
    one = MoveOutcome(
        MARKET, "1s", close_ms, horizon_ms, "volatility", "ridge", "7", 1.44e-6, still=False,
        qlike=0.2, baselines={"har": 0.4, "ewma": None}, crps=0.3, inside_80=False, inside_90=True,
    )  # fmt: skip
    return replace(one, **changed)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/realtime.sqlite")
    yield opened
    opened.close()


def test_the_newest_forecast_of_each_horizon_is_told_as_a_move(api: Api) -> None:
    api.see(120_000)
    for close_ms, horizon_ms in ((MINUTE, MINUTE), (2 * MINUTE, MINUTE), (MINUTE, 5 * MINUTE)):
        api.views.hear(forecast(close_ms, horizon_ms), 1)
    api.views.hear(forecast(MINUTE, mean=5.0), 1)  # comes once more
    api.views.hear(outcome(MINUTE), 1)
    found = api.client.get("/predictions/BTC-USDT?target=volatility").json()
    assert (found["symbol"], found["target"], found["stale"]) == ("BTC/USDT", "volatility", False)
    assert [(one["close_time_ms"], one["horizon_ms"]) for one in found["moves"]] == [
        (2 * MINUTE, MINUTE), (MINUTE, 5 * MINUTE),
    ]  # fmt: skip
    first = found["moves"][0]
    assert first["move"] == pytest.approx(1e-3)
    assert first["baselines"] == pytest.approx({"har": 2e-3, "ewma": 3e-3})
    assert (first["low_90"], first["low_80"]) == (sqrt(1e-8), sqrt(2e-8))
    assert (first["high_80"], first["high_90"]) == (sqrt(18e-8), sqrt(19e-8))
    (score,) = found["scores"]
    assert (score["outcomes"], score["coverage_80"], score["coverage_90"]) == (1, 0.0, 1.0)
    assert score["qlike_less"] == pytest.approx({"har": 0.5})
    of_five = api.client.get("/predictions/BTC-USDT?target=volatility&horizon=5m").json()
    assert [one["horizon_ms"] for one in of_five["moves"]] == [5 * MINUTE]
    every = api.client.get("/predictions?target=volatility").json()
    assert list(every) == [MARKET]
    assert api.client.get("/predictions?target=range").json() == {}


def test_before_a_fit_there_are_no_bounds(api: Api) -> None:
    api.see(MINUTE)
    api.views.hear(forecast(MINUTE, model_name="ewma", quantiles=(), target="range"), 1)
    (one,) = api.client.get("/predictions/BTC-USDT?target=range").json()["moves"]
    assert (one["move"], one["low_80"], one["high_90"]) == (1e-6, None, None)
    assert one["model_name"] == "ewma"


def test_an_unknown_target_is_refused_and_one_not_forecast_yet_is_waited_for(api: Api) -> None:
    for path in ("/predictions", "/predictions/BTC-USDT", "/predictions/BTC-USDT/history"):
        refused = api.client.get(f"{path}?target=sideways")
        assert refused.status_code == 422, path
        assert refused.json()["detail"] == (
            "target sideways is not predicted: direction, volatility, range are"
        )
    waiting = api.client.get("/predictions/BTC-USDT?target=range")
    assert waiting.status_code == 503
    unreadable = api.client.get("/predictions/BTC-USDT?target=range&horizon=soon")
    assert unreadable.status_code == 422
    assert api.client.get("/predictions/BTC-USDT?target=direction").status_code == 503


HOW_FAR = HowFar(("volatility", "range"), 12_000, 20_000, {MINUTE: 1_260_000, 300_000: 6_300_000})


def test_what_the_first_forecast_lacks_is_said_and_when_it_will_be_there(api: Api) -> None:
    def asked(target: str = "range", horizon: str = "") -> dict[str, Any]:
        path = f"/predictions/BTC-USDT?target={target}{horizon}"
        answer: dict[str, Any] = api.client.get(path).json()
        return answer

    def learn(how_far: HowFar | None) -> None:
        api.say(Learning(9, 9, book=True, trainings={}, how_far=how_far))

    assert "nothing received yet" in asked()["detail"]
    api.see(MINUTE)
    assert "no word of the predictor yet" in asked()["detail"]
    learn(None)
    assert f"{MARKET}: no range is forecast here: `moves` in the settings" in asked()["detail"]
    learn(replace(HOW_FAR, targets=("volatility",)))
    assert "no range is forecast here" in asked()["detail"]
    learn(replace(HOW_FAR, seen_ms=None))
    assert "known with the first best bid and ask" in asked()["detail"]
    learn(HOW_FAR)
    waiting = asked("volatility")
    assert waiting["detail"] == (
        f"{MARKET}: 12 of 20 s of known prices seen before the first volatility is "
        "forecast, in about 8 s"
    )
    assert waiting["missing"] == {
        "detail": waiting["detail"], "seen_ms": 12_000, "needed_ms": 20_000,
    }  # fmt: skip
    learn(replace(HOW_FAR, seen_ms=25_000))
    assert asked()["detail"].endswith("its horizons are 1 min, 5 min")
    assert asked(horizon="&horizon=7m")["detail"] == (
        "horizon 420s: range is forecast 60s, 300s ahead"
    )
    assert asked(horizon="&horizon=7m&horizon=5m")["status"] == 503


def test_when_bounds_will_be_there_is_said_of_each_horizon_that_has_none(api: Api) -> None:
    api.see(MINUTE)
    api.views.hear(forecast(MINUTE), 1)
    api.views.hear(forecast(MINUTE, 5 * MINUTE, model_name="so_far", quantiles=()), 1)
    path = "/predictions/BTC-USDT?target=volatility"
    assert api.client.get(path).json()["bounds_missing"] == []
    api.say(Learning(9, 9, book=True, trainings={}, how_far=HOW_FAR))
    assert api.client.get(path).json()["bounds_missing"] == [
        {
            "horizon_ms": 300_000,
            "detail": "bounds come with a model, which can be fitted in about 105 min: "
            "12 s of 105 min of known prices seen",
            "seen_ms": 12_000,
            "needed_ms": 6_300_000,
        }
    ]
    over = replace(HOW_FAR, seen_ms=7_000_000)
    api.say(Learning(9, 9, book=True, trainings={}, how_far=over))
    (missing,) = api.client.get(path).json()["bounds_missing"]
    assert "can be fitted after the next closes: 105 min of 105 min" in missing["detail"]


def test_history_has_what_came_of_each(make_api: Callable[..., Api], store: Store) -> None:
    store.write([forecast(10_000), forecast(12_000), forecast(12_000, target="range")])
    store.write([outcome(10_000), forecast(15_000, 2 * MINUTE)])
    api = make_api(store=store)
    asked = "from=1970-01-01T00:00:10Z&to=1970-01-01T00:00:20Z&target=volatility&horizon=1m"
    rows = api.client.get(f"/predictions/BTC-USDT/history?{asked}").json()["rows"]
    assert [row["close_time_ms"] for row in rows] == [10_000, 12_000]
    assert rows[0]["realised"] == pytest.approx(1.2e-3)
    assert (rows[0]["inside_80"], rows[0]["inside_90"]) == (False, True)
    assert (rows[1]["realised"], rows[1]["qlike"]) == (None, None)
    of_csv = api.client.get(f"/predictions/BTC-USDT/history?{asked}&format=csv").text
    assert of_csv.splitlines()[0].startswith("id,target,close_time_ms,horizon_ms")


def test_who_follows_a_target_is_told_of_it_alone(api: Api) -> None:
    api.views.hear(forecast(MINUTE), 1)
    with served(api) as (host, port):
        connection = http.client.HTTPConnection(host, port, timeout=10)
        after = {"Last-Event-ID": f"p-{MINUTE}-{MINUTE}"}
        connection.request("GET", "/predictions/BTC-USDT/stream?target=volatility", headers=after)
        answer = connection.getresponse()
        assert answer.status == 200
        api.views.hear(forecast(2 * MINUTE, target="range"), 1)
        api.views.hear(outcome(MINUTE), 1)
        api.views.hear(outcome(2 * MINUTE, late=True), 1)
        api.views.hear(forecast(3 * MINUTE), 1)
        lines = []
        while sum(line.startswith(b"event:") for line in lines) < 2 or lines[-1].strip():
            lines.append(answer.readline())
        connection.close()
    told = [line.split(b": ")[1].strip() for line in lines if line.startswith((b"event", b"id"))]
    assert told == [
        b"o-60000-60000", b"move_outcome", b"p-180000-60000", b"move",
    ]  # fmt: skip


def test_what_was_before_a_stop_is_shown_and_counted_again(api: Api) -> None:
    api.see(3 * MINUTE)
    moves, moved = [forecast(MINUTE)], [outcome(ms) for ms in (1_000, 2_000)]
    api.views.recall(Recalled((), (), (), (), moves, moved))
    found = api.client.get("/predictions/BTC-USDT?target=volatility").json()
    assert [one["close_time_ms"] for one in found["moves"]] == [MINUTE]
    assert found["scores"][0]["outcomes"] == 2


def test_scores_are_of_a_model_and_of_what_was_not_late() -> None:
    assert score_of("range", MINUTE, []) is None
    unfitted = outcome(1, crps=None, inside_80=None, inside_90=None)
    assert score_of("range", MINUTE, [unfitted, outcome(2, late=True)]) is None
    closes = range(0, 100 * MINUTE, MINUTE)
    score = score_of("volatility", 5 * MINUTE, [outcome(ms) for ms in closes])
    assert score is not None
    assert (score.outcomes, score.effective) == (100, 20.0)
    assert (score.qlike, score.crps) == (pytest.approx(0.2), pytest.approx(0.3))
    assert score.qlike_less == {"har": pytest.approx(0.5)}


def test_a_score_is_kept_until_an_outcome_comes() -> None:
    board = MoveBoard()
    board.said(forecast(MINUTE))
    board.came(outcome(MINUTE))
    (before,) = board.scores(MARKET, "volatility")
    assert board.scores(MARKET, "volatility")[0] is before
    assert board.came(outcome(2 * MINUTE))
    (after,) = board.scores(MARKET, "volatility")
    assert (before.outcomes, after.outcomes) == (1, 2)


def test_late_outcomes_take_no_places_of_those_that_are_scored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(moves, "_SCORED", 2)
    board = MoveBoard()
    board.said(forecast(MINUTE))
    for close in (1, 2):
        assert board.came(outcome(close * MINUTE))
    for close in (3, 4):
        assert not board.came(outcome(close * MINUTE, late=True))
        assert not board.came(outcome(close * MINUTE)), "which came before, as a late one"
    (score,) = board.scores(MARKET, "volatility")
    assert score.outcomes == 2
