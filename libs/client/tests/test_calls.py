"""A call for each route that a program needs: Arrow, explanations, skill, who serves, keys."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import pyarrow
import pyarrow.ipc
import pytest

import realtime_client
from marketstream.champions import ChampionWanted
from marketstream.keys import ApiKey, digest_of, new_secret
from marketstream.messages import Features, Model
from marketstream.store.port import Store
from realtime_client import ApiError, Client, standing
from realtime_client.transport import Transport

from .conftest import MARKET, START_MS, Served, candle, outcome, prediction


def test_pages_of_arrow_are_read_one_after_the_other(api: Served, store: Store) -> None:
    store.write([prediction(START_MS + second * 1_000) for second in range(6_000)])
    store.write([candle(number) for number in range(3)])
    store.write([Features(MARKET, "1s", START_MS, {"rsi_14": 48.0}, 1.0, 1.0, 1.0, "ab12")])
    client, asked = Client(api.url), {"since": START_MS, "until": START_MS + 6_000_000}
    pages = [
        pyarrow.ipc.open_stream(page).read_all()
        for page in client.arrow("history", "binance/BTC-USDT", horizon="1s", **asked)
    ]
    assert [page.num_rows for page in pages] == [5_000, 1_000]
    made = pyarrow.concat_tables(pages)
    assert made["close_time_ms"].to_pylist() == [START_MS + n * 1_000 for n in range(6_000)]
    assert made["p_up"].type == pyarrow.float64()
    (candles, _) = client.arrow("candles", "binance/BTC-USDT", timeframe="1s", **asked)
    assert pyarrow.ipc.open_stream(candles).read_all()["high"].to_pylist() == [2.0] * 3
    (values, _) = client.arrow("indicators", "binance/BTC-USDT", names=["rsi_14"], **asked)
    assert pyarrow.ipc.open_stream(values).read_all()["rsi_14"].to_pylist() == [48.0]
    with pytest.raises(ApiError, match="no such parameter: timeframe"):
        next(client.arrow("history", "binance/BTC-USDT", timeframe="1s"))


def test_how_good_they_were_comes_typed_with_what_it_would_have_earned(api: Served) -> None:
    for second in range(50):
        api.predict(START_MS + second * 1_000)
        api.views.hear(outcome(START_MS + second * 1_000), api.ns)
    (told,) = Client(api.url).scoreboard(horizon="1s")[MARKET]
    assert (told.horizon_ms, told.score.moved, told.score.accuracy) == (1_000, 50, 1.0)
    assert told.proof.alpha == 0.01
    assert [(one.came, one.moved) for one in told.reliability] == [(1.0, 50)]
    assert told.on_paper == realtime_client.OnPaper(0, None, None, None), "no book is known"
    assert [one.horizon_ms for one in Client(api.url).scoreboard()[MARKET]] == [1_000, 2_000]


def test_how_good_they_were_in_the_last_hour_comes_typed(api: Served) -> None:
    told = Client(api.url).rolling_scores("binance/BTC-USDT", horizon="1s", fee_bps=2.0)
    assert (told.market, told.fee_bps, told.until_ms) == (MARKET, 2.0, None)
    assert [one.horizon_ms for one in told.horizons] == [1_000]
    assert set(told.horizons[0].windows) == {"hour", "day", "week", "all"}
    with pytest.raises(ApiError, match="fee_bps"):
        Client(api.url).rolling_scores("binance/BTC-USDT", fee_bps=-1.0)


def test_a_prediction_is_explained_and_models_are_told(api: Served, store: Store) -> None:
    made = msgspec.structs.replace(prediction(START_MS), feature_set="ab12")
    store.write(
        [
            made, outcome(START_MS), candle(-1),
            Features(MARKET, "1s", START_MS, {"rsi_14": 48.0}, 1.0, 1.0, 1.0, "ab12"),
            Model(MARKET, "1s", 1_000, "logistic", "7", START_MS, 300, {"log_loss": 0.6}, START_MS),
        ]
    )  # fmt: skip
    client = Client(api.url)
    told = client.explain(made.id)
    assert (told.id, told.prediction.p_up, told.missing) == (made.id, 0.5, {})
    assert told.contributions == {"logistic": realtime_client.Terms(0.5, 0.1, {"rsi_14": 0.4})}
    assert told.features is not None
    assert told.features.values == {"rsi_14": 48.0}
    asked = {"since": START_MS - 1_000, "until": START_MS + 1_000}
    (record,) = client.models("binance/BTC-USDT", horizon="1s", **asked)
    assert (record.version, record.validation, record.outcomes) == ("7", {"log_loss": 0.6}, 1)
    assert record.terms == [standing.Term(START_MS, "")]
    assert client.models("binance/BTC-USDT", horizon="2s", **asked) == []
    with pytest.raises(ApiError, match="the store has no prediction") as refused:
        client.explain(made.id.replace(str(START_MS), "1000"))
    assert refused.value.status == 404


def test_who_serves_is_changed_with_an_admin_key_alone(tmp_path: Path, store: Store) -> None:
    secrets = {role: new_secret() for role in ("read", "admin")}
    store.add_key(ApiKey("reader", "read", digest_of(secrets["read"]), 5))
    store.add_key(ApiKey("boss", "admin", digest_of(secrets["admin"]), 6))
    with closing(Served(tmp_path, store)) as served:
        for key, status in ((None, 401), (f"{secrets['read']}x", 401), (secrets["read"], 403)):
            client = Client(served.url, key=key)
            for ask in (
                client.known_keys,
                lambda client=client: client.promote(MARKET, horizon="1s", version="3"),
                lambda client=client: client.roll_back(MARKET, horizon="1s"),
            ):
                with pytest.raises(ApiError) as refused:
                    ask()
                assert refused.value.status == status
        assert served.changed == []
        admin = Client(served.url, key=secrets["admin"])
        changed = admin.promote(MARKET, horizon="1s", version="3", why="steady & calm")
        assert changed == realtime_client.ChampionChanged(
            "binance-BTC-USDT", "3", "7", "steady & calm"
        )
        assert admin.roll_back("binance/BTC-USDT", horizon="2").why == "by hand"
        assert served.changed == [
            ChampionWanted(MARKET, "1s", 1_000, "3", "steady & calm"),
            ChampionWanted(MARKET, "1s", 2_000, None, "by hand"),
        ]
        assert [(one.name, one.role, one.made_at_ms) for one in admin.known_keys()] == [
            ("boss", "admin", 6), ("reader", "read", 5),
        ]  # fmt: skip


def test_all_markets_at_once_and_what_is_configured(api: Served) -> None:
    client = Client(api.url)
    assert (client.all_predictions(), client.all_moves()) == ({}, {})
    api.predict(9_999_000)
    assert list(client.all_predictions(horizon="1s")) == [MARKET]
    assert client.config()["plan"]["timeframe"] == "1s"
    assert client.version() == version("prediction-api")


EXPLAINED = "v:S/T:1s:1:1:champion:1"
OF_PAGES_AND_PROBES = {
    "/", "/docs", "/routes", "/live", "/ready", "/metrics", "/view/{symbol}",
    "/stream/{symbol}",
    "/udf/config", "/udf/symbols", "/udf/search", "/udf/history", "/udf/time",
}  # fmt: skip


def test_each_route_that_a_program_needs_has_a_call(
    api: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def ask(_transport: Transport, path: str, *_: object, **__: object) -> Any:
        asked.append(path)
        raise ApiError(404, "Asked", "and no more")

    for name in ("get", "page", "events"):
        monkeypatch.setattr(Transport, name, ask)
    client, at = Client(api.url), "v/S-T"
    calls: list[Callable[[], object]] = [
        client.symbols, client.all_predictions, client.all_moves, client.scoreboard,
        client.known_keys, client.health, client.config, client.version,
        lambda: client.predictions(at), lambda: client.moves(at),
        lambda: next(client.history(at)), lambda: next(client.move_history(at)),
        lambda: next(client.candles(at)), lambda: next(client.indicators(at)),
        lambda: client.accuracy(at), lambda: next(client.arrow("history", at)),
        lambda: next(client.follow(at)), lambda: next(client.follow_moves(at)),
        lambda: client.explain(EXPLAINED), lambda: client.models(at),
        lambda: client.promote(at, horizon="1", version="1"),
        lambda: client.roll_back(at, horizon="1"), lambda: client.integrity(at),
        lambda: client.rolling_scores(at, by="version"),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(ApiError, match="and no more"):
            call()
    templates = {
        path.replace("{venue}/{symbol}", "v/S-T").replace("{id}", EXPLAINED): path
        for path in api.schema["paths"]
        if path not in OF_PAGES_AND_PROBES
        and path.replace("{venue}/", "") not in OF_PAGES_AND_PROBES
        and (path.count("{symbol}") == path.count("{venue}"))
        and path != "/openapi.json"
    }
    assert set(templates) == set(asked)
