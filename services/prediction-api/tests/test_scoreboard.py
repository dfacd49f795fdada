"""How good everybody was in the last hour, day and week is told out of stored sums."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from marketstream.messages import Outcome, Prediction, Said
from marketstream.score_sums import FIELDS, PLACE, Name, Sums, add_up, packed_sums
from marketstream.store.port import Store
from marketstream.store.sql import open_store

from .conftest import MARKET, Api

STRETCH_MS = 600_000
PATH = "/scoreboard/binance/BTC-USDT"
CANDIDATES = (
    "imbalance_calibrated", "imbalance_sign", "lightgbm", "lightgbm_earlier_1",
    "lightgbm_earlier_2", "logistic_five",
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(open_store(f"sqlite:///{tmp_path}/realtime.sqlite")) as opened:
        yield opened


@pytest.fixture
def api(make_api: Callable[..., Api], store: Store) -> Api:
    return make_api(store=store)


def write(
    store: Store, make_prediction: Callable[..., Prediction], from_ms: int, version: str = "7"
) -> None:
    """Write the sums of a hundred closes, three of four of which were right."""
    sums: Sums = {}
    for close_ms in range(from_ms, from_ms + 100_000, 1_000):
        said = make_prediction(
            close_ms, model_version=version, direction="up", late=False,
            candidates={"lightgbm": Said(0.3, 1.0, f"lightgbm:{version}")},
        )  # fmt: skip
        right = close_ms // 1_000 % 4 > 0
        came = Outcome(
            MARKET, "1s", close_ms, 1_000, "champion", version, 100.0, 1e-4 if right else -1e-4,
            1e-4, "right", "right", True, {},
        )  # fmt: skip
        add_up(sums, [said], [came], [])
    store.write([packed_sums(sums, MARKET, "1s", from_ms, from_ms + STRETCH_MS)])


def test_a_market_of_which_nothing_is_counted_yet_says_so(api: Api) -> None:
    told = api.client.get(PATH).json()
    assert (told["market"], told["from_ms"], told["until_ms"]) == (MARKET, None, None)
    assert [one["horizon_ms"] for one in told["horizons"]] == [1_000, 2_000]
    assert told["horizons"][0]["windows"] == {"hour": [], "day": [], "week": [], "all": []}


def test_windows_tell_of_what_was_served_first_and_of_each_candidate(
    api: Api, store: Store, make_prediction: Callable[..., Prediction]
) -> None:
    write(store, make_prediction, 0)
    write(store, make_prediction, 30 * STRETCH_MS, "8")
    told = api.client.get("/scoreboard/BTC-USDT?horizon=1s&fee_bps=2").json()
    assert told == api.client.get(f"{PATH}?horizon=1&fee_bps=2").json()
    assert (told["from_ms"], told["until_ms"], told["fee_bps"]) == (0, 31 * STRETCH_MS, 2)
    (horizon,) = told["horizons"]
    hour, every = horizon["windows"]["hour"], horizon["windows"]["all"]
    assert [one["candidate"] for one in every] == ["served", "control", "lightgbm"]
    served, control, lightgbm = every
    assert (served["outcomes"], served["accuracy"], served["coverage"]) == (200, 0.75, 1.0)
    assert (lightgbm["accuracy"], lightgbm["close_accuracy"]) == (0.25, 0.0)
    assert control["low"] < 0.5 < control["high"]
    assert served["gross_bps"] == pytest.approx(0.5)
    assert served["net_bps"] is None, "no candle told of a spread"
    assert hour[0]["outcomes"] == 100
    assert [one["hour"] for one in horizon["hours_of_day"]] == [0, 5]


def test_versions_stand_each_for_itself_where_asked(
    api: Api, store: Store, make_prediction: Callable[..., Prediction]
) -> None:
    write(store, make_prediction, 0)
    write(store, make_prediction, STRETCH_MS, "8")
    told = api.client.get(f"{PATH}?by=version&horizon=1s").json()
    models = [one["model"] for one in told["horizons"][0]["windows"]["all"]]
    assert [one.rpartition(":")[2] for one in models if one != "control"] == ["7", "8", "7", "8"]


@pytest.mark.parametrize(
    ("asked", "status"),
    [("?by=day", 422), ("?fee_bps=-1", 422), ("?fee_bps=nan", 422), ("?horizon=7", 422),
     ("?over=day", 422)],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(api: Api, asked: str, status: int) -> None:
    assert api.client.get(PATH + asked).status_code == status
    assert api.client.get("/scoreboard/DOGE-USDT").status_code == 404


def test_a_million_predictions_are_scored_in_50_ms(api: Api, store: Store) -> None:
    """Two horizons a second for 139 hours, by versions of each hour; CPU time, in the median."""
    numbers = [10.0] * len(FIELDS)
    numbers[PLACE["outcomes"]], numbers[PLACE["moved"]], numbers[PLACE["right"]] = 600, 500, 280
    rows = []
    for stretch in range(834):  # of 600 closes and two horizons
        version, from_ms = stretch // 6, stretch * STRETCH_MS
        sums = {
            Name(horizon_ms, name, f"{name}:{version}"): numbers
            for horizon_ms in (1_000, 2_000)
            for name in ("served", "control", *CANDIDATES)
        }
        rows.append(packed_sums(sums, MARKET, "1s", from_ms, from_ms + STRETCH_MS))
    store.write(rows)
    took = []
    for _ in range(5):
        begun_s = time.process_time()
        answer = api.client.get(PATH)
        took.append(time.process_time() - begun_s)
        assert answer.json()["horizons"][0]["windows"]["all"][0]["outcomes"] == 834 * 600
    assert sorted(took)[2] < 0.05, took
