"""One process and the services on Kafka offer the same routes with the same answers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import pytest

from marketstream.store.testing import PostgresServer
from marketstream.testing import running_command, running_kafka

from .asking import Answer, Shape, ask, families, joined, listen, shape_of
from .system import System

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]

SYMBOLS = ("BTC/USDT", "ETH/USDT")
MARKETS = [f"binance:{symbol}" for symbol in SYMBOLS]
RATE = 10.0
PATIENCE_S = 90.0
A_FEW_TICKS = 2e-4

PATHS = ("BTC-USDT", "ETH-USDT")
TEMPLATES = ("{symbol}", "{venue}/{symbol}")
EVENTS = {"status", "forming", "preview", "candle", "prediction", "outcome"}
BUNDLE = ("dashboard.js", "dashboard.css", "docs.js", "icon.svg", "swagger-ui-dist.LICENSE.txt")
FORMS = (
    *("BTC-USDT", "BTC_USDT", "btc-usdt", "BTC%2FUSDT", "BTC-USDT/"),
    *("binance/BTC-USDT", "binance/BTC%2FUSDT", "binance/ETH-USDT", "binance/BTC/USDT"),
)
MISSING = ("DOGE-USDT", "binance/DOGE-USDT", "kraken/BTC-USDT", "BTC", "binance", "%20", "a%00b")

# What an answer may leave out or put in whenever it is asked, in either of them.
SOMETIMES = {
    "/predictions/*/reason",  # an abstention's
    "/newest/1000/reason", "/newest/2000/reason", "/previews/1000/reason", "/previews/2000/reason",
    "/prediction/reason", "/reason",
}  # fmt: skip

# Counted where the other services are, each at an address of its own on Kafka.
OF_OTHER_SERVICES = {
    # trades
    "realtime_trades_total", "realtime_quotes_total", "realtime_ignored_frames_total",
    "realtime_reconnects_total", "realtime_gaps_total", "realtime_gaps_unrepaired_total",
    "realtime_trades_repaired_total", "realtime_books_broken_total",
    # candles
    "realtime_candles_total", "realtime_candles_incomplete_total",
    "realtime_candle_revisions_total", "realtime_late_trades_total",
    # technical_indicators
    "realtime_shadow_windows_total", "realtime_shadow_vectors_total",
    "realtime_shadow_deviation_ratio",
    # predictor
    "realtime_model_trainings_total", "realtime_model_training_causes_total",
    "realtime_model_training_wait_seconds",
    "realtime_models_unregistered", "realtime_arena_abstentions_total",
    # storekeeper
    "realtime_parity_ratio", "realtime_parity_compared_total", "realtime_parity_differences_total",
    "realtime_store_rows_total", "realtime_store_queue_rows", "realtime_store_waits_total",
    "realtime_store_rows_deleted_total",
    "realtime_candles_mended_total", "realtime_candles_marked_total", "realtime_alerts_total",
    # whoever publishes, and whoever puts something aside
    "realtime_messages_total", "realtime_dead_letters_total",
}  # fmt: skip


class Both(NamedTuple):
    """Where the API of each answers, and what it said when it was first asked."""

    one: str
    kafka: str
    first: dict[str, tuple[Answer, Answer]]

    def ask(self, path: str, method: str = "GET") -> tuple[Answer, Answer]:
        """Ask both."""
        return ask(self.one, path, method), ask(self.kafka, path, method)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, server: PostgresServer) -> Iterator[Both]:
    """One simulated exchange, and both systems that follow it, once each of them predicts."""
    folder = tmp_path_factory.mktemp("both")
    (folder / "one").mkdir()
    asked = ["/health", "/predictions/BTC-USDT", "/view/BTC-USDT"]
    options = ["--exchange", "binance", "--horizon", "1", "--horizon", "2"]
    options += [part for symbol in SYMBOLS for part in ("--symbol", symbol)]
    with running_kafka(folder / "kafka") as broker:
        services = System(folder, broker, server, SYMBOLS, RATE, {})
        try:
            kafka = f"http://127.0.0.1:{services.api_port}"
            exchange = services.exchange["EXCHANGE_REST_URL"]
            services.wait_for("exchange", lambda: ask(exchange, "/api/v3/time").status == 200)
            services.start("prediction_api")
            services.wait_for("API", lambda: ask(kafka, "/routes").status == 200)
            on_kafka = [ask(kafka, path) for path in asked]
            for service in ("trades", "candles", "technical_indicators", "predictor"):
                services.start(service)
            services.start("storekeeper")
            with running_command(folder / "one", *options, **services.exchange) as running:
                one = f"http://127.0.0.1:{running.port}"
                running.wait_for("API", lambda: running.get("/routes")[0] == 200)
                in_one = [ask(one, path) for path in asked]
                first = dict(zip(asked, zip(in_one, on_kafka, strict=True), strict=True))
                running.wait_for("predictions", lambda: predicts(one), 180)
                services.wait_for("predictions", lambda: predicts(kafka), 180)
                yield Both(one, kafka, first)
                assert running.stop()[0] == 0
            assert services.stop("prediction_api") == 0
        finally:
            services.close()


def predicts(base: str) -> bool:
    """Say whether there is a prediction for each market."""
    return all(ask(base, f"/predictions/{market}").status == 200 for market in PATHS)


def shapes_alike(one: Shape, two: Shape) -> bool:
    """Say whether two documents have the same keys and kinds of value, whenever they were seen."""
    return all(
        path in one and path in two and (path in SOMETIMES or one[path] == two[path])
        for path in {*one, *two}
    )


def assert_near(pairs: Sequence[tuple[float, float]]) -> None:
    """Mids of one close are near: it is the edge that gives quotes a time, and it may be busy."""
    apart = sorted(abs(one / two - 1) for one, two in pairs)
    assert apart
    assert apart[len(apart) * 9 // 10] < A_FEW_TICKS
    assert apart[-1] < 20 * A_FEW_TICKS


def assert_alike(both: Both, path: str) -> tuple[Any, Any]:
    """Ask both until they have answered alike, values apart; return what they answered last."""
    seen: tuple[Shape, Shape] = ({}, {})
    until_s = time.monotonic() + PATIENCE_S
    while True:
        one, kafka = both.ask(path)
        seen = joined(seen[0], shape_of(one.json)), joined(seen[1], shape_of(kafka.json))
        if one[:2] == kafka[:2] and shapes_alike(*seen):
            return one.json, kafka.json
        if time.monotonic() > until_s:
            assert one[:2] == kafka[:2]
            assert seen[0] == seen[1]
        time.sleep(0.2)


def test_both_offer_the_same_paths(both: Both) -> None:
    one, kafka = both.ask("/openapi.json")
    assert one == kafka
    assert set(one.json["paths"]) == {
        "/routes", "/scoreboard", "/symbols", "/config", "/keys", "/version",
        "/health", "/live", "/ready", "/metrics",
        *(f"/udf/{name}" for name in ("config", "history", "search", "symbols", "time")),
        "/predictions", "/predictions/{symbol}/history", "/predictions/{venue}/{symbol}/history",
        "/predictions/{venue}/{symbol}/{id}/explain",
        "/predictions/{symbol}/accuracy", "/predictions/{venue}/{symbol}/accuracy",
        "/predictions/{symbol}/stream", "/predictions/{venue}/{symbol}/stream",
        *(f"/{name}/{of}" for of in TEMPLATES
          for name in ("predictions", "candles", "indicators", "models", "integrity", "view",
                       "stream", "scoreboard")),
        *(f"/models/{{venue}}/{{symbol}}/{change}" for change in ("promote", "rollback")),
    }  # fmt: skip
    one, kafka = both.ask("/routes")
    assert one == kafka
    assert [each["market"] for each in one.json["markets"]] == MARKETS


def test_before_anything_is_known_both_say_so_alike(both: Both) -> None:
    for path, (one, kafka) in both.first.items():
        assert one[:2] == kafka[:2], path
        assert shapes_alike(shape_of(one.json), shape_of(kafka.json)), path
    assert both.first["/predictions/BTC-USDT"][0].status == 503
    assert both.first["/health"][0].json["status"] == "connecting"


@pytest.mark.parametrize("market", FORMS)
def test_both_answer_with_predictions_and_previews_of_a_market(both: Both, market: str) -> None:
    for answer in assert_alike(both, f"/predictions/{market}"):
        symbol = "ETH/USDT" if "ETH" in market else "BTC/USDT"
        assert answer["symbol"] == symbol
        assert not answer["stale"]
        assert [each["horizon_ms"] for each in answer["predictions"]] == [1_000, 2_000]


@pytest.mark.parametrize("market", FORMS)
def test_both_show_the_same_candles_of_a_market(both: Both, market: str) -> None:
    views = assert_alike(both, f"/view/{market}")
    for key in ("market", "venue", "symbol", "timeframe_ms", "horizons_ms"):
        assert views[0][key] == views[1][key], key
    one, kafka = ({row[0]: row for row in view["candles"]} for view in views)
    # The past of each begins within a candle, and the newest may wait for a late trade.
    times_ms = sorted(one.keys() & kafka.keys())[1:-5]
    assert len(times_ms) > 3_000
    assert {after - before for before, after in pairwise(times_ms)} == {1_000}
    traded = slice(0, 5)
    assert [one[at_ms][traded] for at_ms in times_ms] == [
        kafka[at_ms][traded] for at_ms in times_ms
    ]
    # Of what one has read of the past it was never told the book.
    mids = [(one[at_ms][5], kafka[at_ms][5]) for at_ms in times_ms]
    known = [pair for pair in mids if None not in pair]
    assert_near(known)


def test_both_predict_from_the_same_prices(both: Both) -> None:
    views = [answer.json for answer in both.ask("/view/BTC-USDT")]
    for horizon_ms in ("1000", "2000"):
        one, kafka = ({row[0]: row for row in view["points"][horizon_ms]} for view in views)
        both_made = one.keys() & kafka.keys()
        assert both_made
        for close_ms in both_made:
            assert one[close_ms][1] == kafka[close_ms][1] == close_ms + int(horizon_ms)
        assert_near([(one[close_ms][2], kafka[close_ms][2]) for close_ms in both_made])


@pytest.mark.parametrize("market", ["BTC-USDT", "binance/BTC-USDT", "BTC%2FUSDT"])
def test_both_stream_the_same_kinds_of_events(both: Both, market: str) -> None:
    seen: tuple[dict[str, Shape], dict[str, Shape]] = ({}, {})
    until_s = time.monotonic() + PATIENCE_S
    while True:
        heads = []
        for base, kinds in zip((both.one, both.kafka), seen, strict=True):
            head, found = listen(base, f"/stream/{market}")
            heads.append(head)
            for kind, shape in found.items():
                kinds[kind] = joined(kinds.get(kind, {}), shape)
        assert heads[0] == heads[1]
        if seen[0].keys() == seen[1].keys() == EVENTS and all(
            shapes_alike(seen[0][kind], seen[1][kind]) for kind in EVENTS
        ):
            return
        if time.monotonic() > until_s:
            assert seen[0] == seen[1]


def test_both_are_well_and_say_the_same_of_their_data(both: Both) -> None:
    for health in assert_alike(both, "/health"):
        assert health["status"] == "ok"
        assert list(health["markets"]) == MARKETS
        for of_market in health["markets"].values():
            assert of_market["missing_trades"] == 0
            assert of_market["parity"]["differences"] == []
            assert set(of_market["models"]) == {"1000", "2000"}


def test_both_count_the_same_things_but_for_those_of_other_services(both: Both) -> None:
    one, kafka = both.ask("/metrics")
    assert one[:2] == kafka[:2]
    here, there = families(one.body.decode()), families(kafka.body.decode())
    assert there - here == set()
    assert here - there <= OF_OTHER_SERVICES


@pytest.mark.parametrize(
    "route", ["predictions", "models", "integrity", "view", "stream", "scoreboard"]
)
@pytest.mark.parametrize("market", MISSING)
def test_both_say_alike_that_there_is_no_such_market(both: Both, route: str, market: str) -> None:
    one, kafka = both.ask(f"/{route}/{market}")
    assert one == kafka
    assert one.status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", path) for path in ("/nothing", "/prediction", "/static/nothing.js")),
        *(("GET", f"/static/{name}") for name in ("..%2Fbuild.py", ".built")),
        *(("POST", path) for path in ("/health", "/predictions/BTC-USDT", "/")),
        ("HEAD", "/stream/BTC-USDT"),
    ],
)
def test_both_refuse_alike(both: Both, method: str, path: str) -> None:
    one, kafka = both.ask(path, method)
    assert one == kafka
    assert one.status in (404, 405)


@pytest.mark.parametrize("change", ["promote?version=5&", "rollback?"])
def test_neither_has_its_champions_changed_without_an_admin_key(both: Both, change: str) -> None:
    one, kafka = both.ask(f"/models/binance/BTC-USDT/{change}horizon=2", "POST")
    assert one == kafka
    assert one.status == 401


@pytest.mark.parametrize("name", ["", "docs", *(f"static/{name}" for name in BUNDLE)])
def test_both_serve_the_same_dashboard(both: Both, name: str) -> None:
    one, kafka = both.ask(f"/{name}")
    assert one == kafka
