"""Who may ask what, with which key, and how often."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from marketstream.errors import StateError
from marketstream.keys import ApiKey, digest_of, new_secret
from marketstream.messages import Prediction
from marketstream.store.port import Store
from marketstream.store.sql import open_store
from prediction_api.routes import access, known_keys
from prediction_api.settings import ApiSettings

from .conftest import Api

type Make[Made] = Callable[..., Made]

READ, ADMIN = new_secret(), new_secret()
PATHS = (
    "/predictions", "/predictions/BTC-USDT", "/predictions/BTC-USDT/history", "/candles/BTC-USDT",
    "/models/BTC-USDT", "/integrity/BTC-USDT", "/scoreboard", "/symbols", "/routes", "/version",
    "/predictions/BTC-USDT/accuracy", "/indicators/BTC-USDT", "/config",
    "/view/BTC-USDT", "/udf/config", "/udf/time", "/nothing",
)  # fmt: skip
OPEN = ("/", "/docs", "/openapi.json", "/live", "/ready", "/health", "/metrics")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(open_store(f"sqlite:///{tmp_path}/realtime.sqlite")) as store:
        store.add_key(ApiKey("charts", "read", digest_of(READ), 5_000))
        store.add_key(ApiKey("operator", "admin", digest_of(ADMIN), 6_000))
        yield store


@pytest.fixture
def closed(make_api: Make[Api], store: Store) -> Api:
    return make_api(store=store, open_read=False)


def bearing(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def statuses(api: Api, path: str) -> list[int]:
    """What is answered without a key, with a wrong one, with a reader's and with an admin's."""
    asked = [{}, bearing("rt_wrong"), bearing(READ), bearing(ADMIN)]
    return [api.client.get(path, headers=headers).status_code for headers in asked]


@pytest.mark.parametrize("path", PATHS)
def test_what_is_read_needs_a_key_of_any_kind(
    closed: Api, make_prediction: Make[Prediction], path: str
) -> None:
    closed.see(10_000)
    closed.views.hear(make_prediction(), closed.ns)
    answered = 404 if path == "/nothing" else 200
    assert statuses(closed, path) == [401, 401, answered, answered]


@pytest.mark.parametrize("path", OPEN)
def test_pages_and_probes_need_none(closed: Api, path: str) -> None:
    assert len(set(statuses(closed, path))) == 1
    assert closed.client.get(path).status_code in {200, 503}


def test_every_route_needs_a_key_unless_it_is_said_to_be_open(closed: Api) -> None:
    for path in closed.client.get("/openapi.json").json()["paths"]:
        asked = path.replace("{symbol}", "BTC-USDT").replace("{venue}", "binance")
        is_open = asked in OPEN
        assert (closed.client.get(asked).status_code != 401) == is_open, path


def test_what_is_for_admins_is_never_open(make_api: Make[Api], store: Store) -> None:
    for open_read in (True, False):
        api = make_api(store=store, open_read=open_read)
        assert statuses(api, "/keys") == [401, 401, 403, 200]
    told = api.client.get("/keys", headers=bearing(ADMIN)).json()
    assert told == [
        {"name": "charts", "role": "read", "made_at_ms": 5_000},
        {"name": "operator", "role": "admin", "made_at_ms": 6_000},
    ]


@pytest.mark.parametrize(
    ("secret", "status", "title"),
    [(None, 401, "No key"), ("rt_wrong", 401, "No key"), (READ, 403, "No admin key")],
    ids=["none", "wrong", "a reader's"],
)
def test_refusals_are_problems_that_say_what_to_do(
    closed: Api, secret: str | None, status: int, title: str
) -> None:
    answer = closed.client.get("/keys", headers=bearing(secret) if secret else {})
    assert (answer.status_code, answer.json()["title"]) == (status, title)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)
    assert "realtime keys" in answer.json()["detail"]


def test_a_line_feed_behind_a_path_opens_nothing(make_api: Make[Api], store: Store) -> None:
    for open_read, expected in ((False, [401, 401, 403, 200]), (True, [401, 401, 403, 200])):
        assert statuses(make_api(store=store, open_read=open_read), "/keys%0A") == expected


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8::1", "2001:db9::1", False),
    ],
)
def test_whose_requests_are_counted_together(one: str, other: str, together: bool) -> None:
    callers = {access._caller((address, 1), None) for address in (one, other)}
    assert (len(callers) == 1) is together


def test_names_that_no_file_can_have_are_none(closed: Api) -> None:
    assert closed.client.get(f"/static/{'a' * 300}").status_code == 404


def test_a_browser_sends_its_key_as_a_cookie(closed: Api) -> None:
    for secret, status in ((READ, 200), ("rt_wrong", 401)):
        answer = closed.client.get("/symbols", headers={"Cookie": f"realtime_key={secret}"})
        assert answer.status_code == status


def test_a_key_that_is_revoked_opens_nothing_a_second_later(
    closed: Api, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert closed.client.get("/symbols", headers=bearing(READ)).status_code == 200
    store.revoke_key("charts")
    monkeypatch.setattr(known_keys, "_FRESH_S", 0.0)
    assert closed.client.get("/symbols", headers=bearing(READ)).status_code == 401


class Away:
    """A store that is away whenever it is told so."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.is_away = True

    def api_keys(self) -> list[ApiKey]:
        if self.is_away:
            raise StateError("the store is away")
        return self._store.api_keys()


def test_while_the_store_is_away_known_keys_are_still_known(
    make_api: Make[Api], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_keys, "_FRESH_S", 0.0)
    away = Away(store)
    api = make_api(store=away, open_read=False)
    refused = api.client.get("/symbols", headers=bearing(READ))
    assert (refused.status_code, refused.json()["detail"]) == (503, "the store is away")
    assert api.client.get("/symbols").status_code == 401
    for is_away in (False, True):
        away.is_away = is_away
        assert api.client.get("/symbols", headers=bearing(READ)).status_code == 200
        assert api.client.get("/symbols", headers=bearing("rt_wrong")).status_code == 401


def test_who_asks_too_often_is_told_when_to_come_again(make_api: Make[Api], store: Store) -> None:
    api = make_api(store=store, requests_per_minute=2)
    first, second, third = (api.client.get("/symbols") for _ in range(3))
    assert [each.status_code for each in (first, second, third)] == [200, 200, 429]
    assert first.headers["ratelimit-policy"] == '"minute";q=2;w=60'
    assert second.headers["ratelimit"].startswith('"minute";r=0;')
    assert third.json()["title"] == "Too many requests"
    assert 28 <= int(third.headers["retry-after"]) <= 30
    assert third.headers["x-content-type-options"] == "nosniff"
    assert api.client.get("/live").status_code == 200, "probes are never refused"
    own = api.client.get("/symbols", headers=bearing(READ))
    assert own.headers["ratelimit"].startswith('"minute";r=1;'), "a key has a count of its own"


def test_where_all_is_open_and_unlimited_nothing_is_said_of_limits(api: Api) -> None:
    assert "ratelimit" not in api.client.get("/symbols").headers


def test_pages_of_other_origins_may_send_a_key(make_api: Make[Api], store: Store) -> None:
    origin = "https://example.com"
    api = make_api(store=store, open_read=False, cors_origins=[origin])
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    assert api.client.options("/symbols", headers=asked).status_code == 200
    refused = api.client.get("/symbols", headers={"Origin": origin})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, origin)


def test_the_schema_tells_of_keys(closed: Api) -> None:
    schema = closed.client.get("/openapi.json").json()
    assert set(schema["components"]["securitySchemes"]) == {"key", "cookie"}
    assert schema["paths"]["/symbols"]["get"]["security"] == [{"key": []}, {"cookie": []}, {}]
    assert {"401", "429"} <= schema["paths"]["/symbols"]["get"]["responses"].keys()
    assert "403" in schema["paths"]["/keys"]["get"]["responses"]
    assert "security" not in schema["paths"]["/health"]["get"]


@pytest.mark.parametrize(
    ("address", "said", "expected"),
    [
        ("127.0.0.1", {}, (True, 0)),
        ("::1", {}, (True, 0)),
        ("0.0.0.0", {}, (False, 1_200)),
        ("::", {"requests_per_minute": 0}, (False, 0)),
        ("10.0.0.7", {"open_read": True}, (True, 1_200)),
        ("127.0.0.1", {"open_read": False, "requests_per_minute": 60}, (False, 60)),
    ],
)
def test_only_a_loopback_address_is_open_unless_it_is_said(
    address: str, said: dict[str, int], expected: tuple[bool, int]
) -> None:
    settings = ApiSettings(**said).for_address(address)
    assert (settings.open_read, settings.requests_per_minute) == expected


def test_streams_need_a_key_too(closed: Api) -> None:
    for path in ("/stream/BTC-USDT", "/predictions/BTC-USDT/stream"):
        answer: httpx.Response = closed.client.get(path)
        assert answer.status_code == 401
