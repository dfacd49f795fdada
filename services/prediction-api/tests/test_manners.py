"""What every route does alike, and what may stand behind the `?`."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from marketstream.fakes import FakePorts
from marketstream.messages import Prediction
from prediction_api.http_server import own_names
from prediction_api.routes.app import build_app
from prediction_api.routes.dashboard import BUNDLE
from prediction_api.settings import ApiSettings

from .conftest import MARKET, Api

ETH = "binance:ETH/USDT"

type Make[Message] = Callable[..., Message]


@pytest.fixture
def predicting(make_api: Make[Api], make_prediction: Make[Prediction]) -> Api:
    """An API of two markets, of which one has predictions for 1 s and 2 s."""
    api = make_api(MARKET, ETH)
    api.see(10_000)
    for horizon_ms in (1_000, 2_000):
        api.views.hear(make_prediction(horizon_ms=horizon_ms), api.ns)
    return api


def horizons(api: Api, query: str) -> list[int]:
    answer = api.client.get(f"/predictions/BTC-USDT{query}")
    assert answer.status_code == 200, answer.text
    return [each["horizon_ms"] for each in answer.json()["predictions"]]


def test_predictions_of_all_markets_are_those_there_are(predicting: Api) -> None:
    answer = predicting.client.get("/predictions").json()
    assert list(answer) == [MARKET]
    assert answer[MARKET] == predicting.client.get("/predictions/BTC-USDT").json()
    (one,) = predicting.client.get("/predictions?horizon=2s").json()[MARKET]["predictions"]
    assert one["horizon_ms"] == 2_000


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [1_000, 2_000]), ("?horizon=2", [2_000]), ("?horizon=1s", [1_000]),
        ("?horizon=2&horizon=1", [1_000, 2_000]), ("?timeframe=1s&horizon=1", [1_000]),
    ],
)  # fmt: skip
def test_predictions_are_asked_by_horizon_and_timeframe(
    predicting: Api, query: str, expected: list[int]
) -> None:
    assert horizons(predicting, query) == expected


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/predictions/BTC-USDT?horizon=3", "horizon 3 is not predicted: 1s, 2s are"),
        ("/predictions/BTC-USDT?horizon=0", "horizon 0"),
        ("/predictions/BTC-USDT?horizon=soon", "horizon soon"),
        (f"/predictions/BTC-USDT?horizon={'9' * 5_000}", "is too long: write 2, or 2s"),
        (f"/predictions/BTC-USDT?horizon={'9' * 5_000}s", "is too long: write 2, or 2s"),
        ("/predictions/BTC-USDT?timeframe=1m", "timeframe 1m is not predicted: 1s is"),
        ("/predictions/BTC-USDT?horizons=1", "no such parameter: horizons"),
        ("/predictions/binance/BTC-USDT?limit=1", "no such parameter: limit"),
        ("/health?verbose=1", "no such parameter: verbose; there is none here"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused_by_name(
    predicting: Api, path: str, detail: str
) -> None:
    answer = predicting.client.get(path)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert detail in answer.json()["detail"]


def test_what_stands_behind_a_page_is_for_the_page_to_read(predicting: Api) -> None:
    for path in ("/", "/docs"):
        assert predicting.client.get(f"{path}?market={MARKET}").status_code == 503, "not built here"


@pytest.mark.parametrize(
    "path", ["/predictions/BTC-USDT", "/health", "/metrics", "/routes", "/openapi.json"]
)
def test_head_is_answered_as_get_is(predicting: Api, path: str) -> None:
    get, head = predicting.client.get(path), predicting.client.head(path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers["content-type"] == get.headers["content-type"]


def test_options_tell_what_is_allowed(predicting: Api) -> None:
    answer = predicting.client.options("/predictions/BTC-USDT")
    assert (answer.status_code, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize(
    ("method", "path", "status", "title"),
    [
        ("POST", "/predictions/BTC-USDT", 405, "Method not allowed"),
        ("DELETE", "/health", 405, "Method not allowed"),
        ("GET", "/nothing", 404, "No such route"),
    ],
)
def test_what_no_route_answers_is_a_problem_too(
    predicting: Api, method: str, path: str, status: int, title: str
) -> None:
    answer = predicting.client.request(method, path)
    assert (answer.status_code, answer.json()["title"]) == (status, title)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/predictions/BTC-USDT", "/nothing", "/"])
def test_browsers_are_told_to_guess_nothing(predicting: Api, path: str) -> None:
    headers = predicting.client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/predictions", "/health", "/nothing", "/predictions/ETH-USDT"])
def test_what_is_of_now_is_kept_by_nobody(predicting: Api, path: str) -> None:
    assert predicting.client.get(path).headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("prices.example.com", 200),
        ("PRICES.example.com:8000", 200),
        ("evil.example", 421),
        ("", 421),
    ],
)
def test_it_answers_by_its_own_names_only(api: Api, host: str, status: int) -> None:
    settings = ApiSettings(open_read=True, allowed_hosts=("prices.example.com",))
    app = build_app(api.plan, api.views, api.metrics, FakePorts(BUNDLE).store, settings)
    answer = TestClient(app).get("/live", headers={"Host": host})
    assert answer.status_code == status
    if status != 200:
        assert answer.json()["title"] == "Not called so"
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("address", "names"),
    [("127.0.0.1", ("localhost", "127.0.0.1")), ("::1", ("localhost", "[::1]")), ("0.0.0.0", ())],
)
def test_only_of_a_loopback_address_the_names_are_known(address: str, names: object) -> None:
    assert own_names(address) == names


def test_pages_of_other_origins_read_it_where_they_may(api: Api) -> None:
    origin = "https://example.com"
    store = FakePorts(BUNDLE).store
    settings = ApiSettings(open_read=True, cors_origins=(origin,))
    allowed = build_app(api.plan, api.views, api.metrics, store, settings)
    for app, told in ((allowed, origin), (api.app, None)):
        answer = TestClient(app).get("/live", headers={"Origin": origin})
        assert answer.headers.get("access-control-allow-origin") == told


def test_the_process_is_alive_and_ready_once_something_is_predicted(
    predicting: Api, make_api: Make[Api]
) -> None:
    assert predicting.client.get("/ready").json() == {"ready": [MARKET]}
    waiting = make_api(ETH).client
    assert (waiting.get("/live").status_code, waiting.get("/ready").status_code) == (200, 503)


def test_the_scoreboard_is_of_all_markets_and_of_the_horizons_asked_for(predicting: Api) -> None:
    board = predicting.client.get("/scoreboard").json()
    assert list(board) == [MARKET, ETH]
    assert [each["horizon_ms"] for each in board[MARKET]] == [1_000, 2_000]
    assert board[MARKET][0]["proof"]["verdict"] == "not known yet"
    assert board[MARKET][0]["score"]["outcomes"] == 0
    (one,) = predicting.client.get("/scoreboard?horizon=2s").json()[ETH]
    assert one["horizon_ms"] == 2_000
    assert predicting.client.get("/scoreboard?horizon=7").status_code == 422


def test_symbols_and_the_version_are_told(predicting: Api) -> None:
    symbols = predicting.client.get("/symbols").json()
    assert [(each["path"], each["state"]) for each in symbols] == [
        ("binance/BTC-USDT", "ok"), ("binance/ETH-USDT", "connecting"),
    ]  # fmt: skip
    assert predicting.client.get("/version").json()["version"]
