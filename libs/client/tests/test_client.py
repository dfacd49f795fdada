"""The client on a running API: over real sockets, through restarts, with what is refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread

import pytest

import realtime_client
from marketstream.keys import ApiKey, digest_of, new_secret
from marketstream.messages import Features, MoveForecast, MoveOutcome, Trades
from marketstream.store.port import Store
from marketstream.testing import closed_port
from prediction_api.views.market_views import Recalled
from realtime_client import ApiError, Client, NotReachableError, columns

from .conftest import MARKET, PERPETUAL, START_MS, Served, candle, outcome, prediction


@contextmanager
def soon(what: Callable[[], object]) -> Iterator[None]:
    """Do something a moment later, while the body waits for what comes of it."""

    def wait_and_do() -> None:
        time.sleep(0.3)
        what()

    thread = Thread(target=wait_and_do)
    thread.start()
    yield
    thread.join()


@pytest.mark.parametrize(
    "symbol", ["BTC-USDT", "BTC/USDT", "BTCUSDT", MARKET, "binance/BTC-USDT", "binance/BTC/USDT"]
)
def test_the_newest_predictions_come_typed_whatever_a_symbol_is_written_like(
    api: Served, symbol: str
) -> None:
    api.predict(9_999_000)
    api.predict(9_999_000, 2_000)
    found = Client(api.url).predictions(symbol)
    assert [one.horizon_ms for one in found.predictions] == [1_000, 2_000]
    assert (found.predictions[0].p_up, found.predictions[0].model.name) == (0.5, "logistic")
    assert len(Client(api.url).predictions(symbol, horizon="2s").predictions) == 1


def test_history_is_read_page_by_page_and_makes_columns(api: Served, store: Store) -> None:
    store.write([prediction(START_MS + second * 1_000) for second in range(12_000)])
    store.write([outcome(START_MS + second * 1_000) for second in range(11_999)])
    since, until = START_MS + 1_000, START_MS + 12_000_000
    rows = list(Client(api.url).history("BTC-USDT", since=since, until=until, horizon="1"))
    assert len(rows) == 11_999
    assert (rows[0].verdict, rows[-1].verdict, rows[-1].close_time_ms) == (
        "right",
        None,
        until - 1_000,
    )
    made = columns(rows)
    assert made["close_time_ms"][:2] == [since, since + 1_000]
    assert set(map(len, made.values())) == {11_999}


def test_candles_say_what_is_proven(api: Served, store: Store) -> None:
    store.write([candle(number) for number in range(10)])
    found = list(
        Client(api.url).candles(
            "BTC-USDT", timeframe="1s", since=START_MS + 2_000, until=START_MS + 6_000
        )
    )
    assert [one.complete for one in found] == [True, None, True, None]
    assert columns(found)["high"] == [2.0] * 4


def test_what_happens_is_followed_and_goes_on_after_a_restart(
    api: Served, tmp_path: Path, store: Store
) -> None:
    api.predict(9_000_000)
    told = Client(api.url).follow("BTC-USDT", horizon="1s", after="p-9000000-1000")
    with soon(lambda: api.predict(9_001_000)):
        first = next(told)
    assert isinstance(first, realtime_client.Prediction)
    assert first.event_id == "p-9001000-1000"
    api.close()
    with closing(Served(tmp_path, store, api.port)) as again:
        stored = [prediction(9_000_000), prediction(9_001_000), prediction(9_002_000)]
        again.views.recall(Recalled([], stored, [outcome(9_001_000)], []))
        missed, came = next(told), next(told)
        assert isinstance(missed, realtime_client.Prediction)
        assert missed.event_id == "p-9002000-1000"
        assert isinstance(came, realtime_client.Outcome)
        assert (came.verdict, came.realised_mid) == ("right", 100.5)


def test_what_is_missed_for_good_is_said(api: Served) -> None:
    api.predict(9_000_000)
    told = Client(api.url).follow("BTC-USDT", after="p-5000-1000")
    assert next(told) == realtime_client.Missed("p-5000-1000", 4_000)


def test_the_rest_is_answered_as_the_routes_answer(api: Served, store: Store) -> None:
    store.write([candle(1)])
    client = Client(api.url)
    assert [one.market for one in client.symbols()] == [MARKET, PERPETUAL]
    assert set(client.scoreboard()) == {MARKET, PERPETUAL}
    assert client.models("BTC-USDT", since="1d") == []
    assert client.integrity("BTC-USDT").market == MARKET
    assert set(client.health()["markets"]) == {MARKET, PERPETUAL}


def test_what_the_api_refuses_is_said_in_its_words(api: Served) -> None:
    client = Client(api.url)
    for ask in (
        lambda: client.predictions("DOGE-USDT"),
        lambda: next(client.follow("DOGE-USDT")),
        lambda: next(client.candles("DOGE-USDT")),
    ):
        with pytest.raises(ApiError, match="is not followed here; there is BTC-USDT") as refused:
            ask()
        assert refused.value.status == 404
    with pytest.raises(ApiError, match="horizon 7s is not predicted"):
        client.predictions("BTC-USDT", horizon="7s")


def test_an_api_out_of_reach_is_said() -> None:
    with (
        closed_port() as port,
        pytest.raises(NotReachableError, match=f"http://127.0.0.1:{port} does not answer"),
    ):
        Client(f"http://127.0.0.1:{port}").symbols()
    with pytest.raises(realtime_client.ClientError, match="is no URL"):
        Client("localhost:8000")


def test_a_key_is_sent_with_all_that_is_asked(tmp_path: Path, store: Store) -> None:
    secret = new_secret()
    store.add_key(ApiKey("client", "read", digest_of(secret), 0))
    with closing(Served(tmp_path, store, open_read=False)) as served:
        with pytest.raises(ApiError, match="No key"):
            Client(served.url).symbols()
        client = Client(served.url, key=secret)
        assert [each.market for each in client.symbols()] == [MARKET, PERPETUAL]
        served.predict(START_MS)
        follower = client.follow("binance/BTC-USDT", after=f"p-{START_MS - 1}-1000")
        assert isinstance(next(follower), realtime_client.Missed)


def test_indicators_and_the_accuracy_over_time_come_typed(api: Served, store: Store) -> None:
    values = {"rsi_14": 48.0, "ema_20": None}
    store.write(
        [Features(MARKET, "1s", START_MS, values, 100.0, 101.0, 100.5, "ab12"), candle(0)]
        + [outcome(START_MS + second * 1_000) for second in range(20)]
    )
    client, since = Client(api.url), START_MS - 60_000
    asked = {"since": since, "until": START_MS + 60_000}
    (found,) = client.indicators("binance/BTC-USDT", **asked)
    assert (found.close_time_ms, found.values) == (START_MS, values)
    (only,) = client.indicators("binance/BTC-USDT", names=["rsi_14"], **asked)
    assert only.values == {"rsi_14": 48.0}
    stretches = client.accuracy("binance/BTC-USDT", every="10s", horizon="1s", **asked)
    assert [(one.from_ms - START_MS, one.moved, one.accuracy) for one in stretches] == [
        (0, 10, 1.0), (10_000, 10, 1.0),
    ]  # fmt: skip


def test_how_far_is_asked_followed_and_read_from_the_past(api: Served, store: Store) -> None:
    forecast = MoveForecast(
        MARKET, "1s", START_MS, 60_000, "range", "ridge", "7", "mid", 0, 2e-3, (), {"har": 3e-3}
    )
    came = MoveOutcome(
        MARKET, "1s", START_MS, 60_000, "range", "ridge", "7", 1e-3, still=False, qlike=0.1,
        baselines={"har": 0.2}, crps=None, inside_80=None, inside_90=None,
    )  # fmt: skip
    store.write([forecast, came])
    api.views.hear(Trades(MARKET, (), None, START_MS * 1_000), api.ns)
    api.views.hear(forecast, 1)
    client = Client(api.url)
    newest = client.moves("binance/BTC-USDT", target="range", horizon="1m")
    assert [(one.move, one.low_90, one.model_name) for one in newest.moves] == [
        (2e-3, None, "ridge")
    ]
    with pytest.raises(ApiError, match="target sideways is not predicted"):
        client.moves("binance/BTC-USDT", target="sideways")
    follower = client.follow_moves("binance/BTC-USDT", target="range", after=f"p-{START_MS}-60000")
    api.views.hear(came, 1)
    told = next(follower)
    assert isinstance(told, realtime_client.MoveOutcome)
    assert (told.realised, told.event_id) == (1e-3, f"o-{START_MS}-60000")
    since, until = START_MS - 1_000, START_MS + 1_000
    (past,) = client.move_history("binance/BTC-USDT", target="range", since=since, until=until)
    assert (past.move, past.realised) == (2e-3, 1e-3)
