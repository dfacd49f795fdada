"""Who serves is changed over HTTP: by whom, and what is answered where it cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from marketstream.champions import ChampionChanged, ChampionWanted
from marketstream.errors import InputError, NotFoundError, StateError
from marketstream.keys import ApiKey, digest_of, new_secret
from marketstream.store.port import Store
from marketstream.store.sql import open_store

from .conftest import MARKET, Api

type Make[Made] = Callable[..., Made]

READ, ADMIN = new_secret(), new_secret()
PROMOTE = "/models/binance/BTC-USDT/promote?horizon=2&version=5"
ROLL_BACK = "/models/binance/BTC-USDT/rollback?horizon=2s&why=too+bold"
AS_ADMIN = {"Authorization": f"Bearer {ADMIN}"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(open_store(f"sqlite:///{tmp_path}/realtime.sqlite")) as store:
        store.add_key(ApiKey("charts", "read", digest_of(READ), 5_000))
        store.add_key(ApiKey("operator", "admin", digest_of(ADMIN), 6_000))
        yield store


class Registry:
    """A registry that is told who is to serve, and fails where it is to."""

    def __init__(self) -> None:
        self.wanted: list[ChampionWanted] = []
        self.failure: Exception | None = None

    async def __call__(self, wanted: ChampionWanted) -> ChampionChanged:
        if self.failure is not None:
            raise self.failure
        self.wanted.append(wanted)
        return ChampionChanged("binance-BTC-USDT-1s-2000ms", wanted.version or "3", "4", wanted.why)


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def api(make_api: Make[Api], store: Store, registry: Registry) -> Api:
    return make_api(store=store, change_champion=registry)


def test_an_admin_has_another_version_serve(api: Api, registry: Registry) -> None:
    answer = api.client.post(PROMOTE, headers=AS_ADMIN)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    changed = {"model": "binance-BTC-USDT-1s-2000ms", "champion": "5", "before": "4"}
    assert answer.json() == {**changed, "why": "by hand"}
    answer = api.client.post(ROLL_BACK, headers=AS_ADMIN)
    assert answer.json() == {**changed, "champion": "3", "why": "too bold"}
    assert registry.wanted == [
        ChampionWanted(MARKET, "1s", 2_000, "5", "by hand"),
        ChampionWanted(MARKET, "1s", 2_000, None, "too bold"),
    ]


@pytest.mark.parametrize("symbol", ["BTCUSDT", "btc_usdt", "BTC%2FUSDT", "BTC/USDT"])
def test_a_symbol_is_written_as_everywhere(api: Api, registry: Registry, symbol: str) -> None:
    path = PROMOTE.replace("BTC-USDT", symbol)
    assert api.client.post(path, headers=AS_ADMIN).status_code == 200
    assert registry.wanted[0].market == MARKET


@pytest.mark.parametrize("path", [PROMOTE, ROLL_BACK, PROMOTE.replace("?", "%0A?")])
@pytest.mark.parametrize("open_read", [True, False])
def test_nobody_else_changes_it(
    make_api: Make[Api], store: Store, registry: Registry, path: str, open_read: bool
) -> None:
    api = make_api(store=store, change_champion=registry, open_read=open_read)
    asked = [
        ({}, 401),
        ({"Authorization": "Bearer rt_wrong"}, 401),
        ({"Authorization": f"Bearer {READ}"}, 403),
        ({"Cookie": f"realtime_key={ADMIN}"}, 401),  # any page could have a browser send it
    ]
    for headers, status in asked:
        answer = api.client.post(path, headers=headers)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
    assert registry.wanted == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_no_other_method_changes_it(api: Api, registry: Registry, method: str) -> None:
    answer = api.client.request(method, PROMOTE, headers=AS_ADMIN)
    refused = {"GET": 405, "HEAD": 405, "OPTIONS": 204, "PUT": 405, "DELETE": 405}
    assert answer.status_code == refused[method]
    assert registry.wanted == []


def test_what_may_be_done_with_a_path_is_told(api: Api) -> None:
    for path, allowed in ((PROMOTE, "POST"), ("/health", "GET, HEAD")):
        answer = api.client.options(path)
        assert answer.status_code == 204
        assert allowed in answer.headers["allow"]
    refused = api.client.post("/health")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize(
    ("failure", "status", "title"),
    [
        (NotFoundError("it has no version 5: the newest are 4"), 404, "No such model"),
        (InputError("version 5 was retired (worse): name another"), 409, "Cannot serve"),
        (StateError("http://me:s3cret@mlflow:5000 does not answer"), 503, "No registry"),
    ],
)
def test_what_cannot_be_is_a_problem_that_says_why(
    api: Api, registry: Registry, failure: Exception, status: int, title: str
) -> None:
    registry.failure = failure
    answer = api.client.post(PROMOTE, headers=AS_ADMIN)
    assert (answer.status_code, answer.json()["title"]) == (status, title)
    assert answer.json()["detail"] == str(failure).replace("me:s3cret", "me:***")


@pytest.mark.parametrize(
    ("path", "status", "part"),
    [
        (PROMOTE.replace("BTC-USDT", "DOGE-USDT"), 404, "DOGE/USDT"),
        (PROMOTE.replace("binance", "kraken"), 404, "kraken"),
        (PROMOTE.replace("horizon=2", "horizon=3"), 422, "horizon 3 is not predicted"),
        (PROMOTE.replace("horizon=2&", ""), 422, "horizon: Field required"),
        (PROMOTE.replace("&version=5", ""), 422, "version: Field required"),
        (PROMOTE.replace("version=5", "version=newest"), 422, "version: "),
        (f"{PROMOTE}&why=", 422, "why: "),
        (f"{PROMOTE}&why={'a' * 201}", 422, "why: "),
        (f"{PROMOTE}&stage=production", 422, "no such parameter: stage"),
        (f"{ROLL_BACK}&version=5", 422, "no such parameter: version"),
    ],
)
def test_what_makes_no_sense_is_refused(
    api: Api, registry: Registry, path: str, status: int, part: str
) -> None:
    answer = api.client.post(path, headers=AS_ADMIN)
    assert answer.status_code == status
    assert part in answer.json()["detail"]
    assert registry.wanted == []


def test_without_a_registry_it_says_what_to_do(make_api: Make[Api], store: Store) -> None:
    answer = make_api(store=store).client.post(PROMOTE, headers=AS_ADMIN)
    assert (answer.status_code, answer.json()["title"]) == (503, "No registry")
    assert "`realtime models promote`" in answer.json()["detail"]


def test_the_schema_tells_that_only_a_header_opens_it(api: Api) -> None:
    paths = api.client.get("/openapi.json").json()["paths"]
    for name in ("promote", "rollback"):
        operation = paths[f"/models/{{venue}}/{{symbol}}/{name}"]["post"]
        assert operation["security"] == [{"key": []}]
        assert operation["responses"].keys() >= {"200", "401", "403", "404", "409", "422", "503"}


@pytest.mark.parametrize("change", ["promote", "rollback"])
def test_what_changes_something_is_not_read(make_api: Callable[..., Api], change: str) -> None:
    client = make_api().client
    path = f"/models/binance/BTC-USDT/{change}"
    for method in ("GET", "HEAD"):
        answer = client.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST, OPTIONS")
    assert client.options(path).headers["allow"] == "POST, OPTIONS"
    assert client.options("/models/binance/BTC-USDT").headers["allow"] == "GET, HEAD, OPTIONS"
