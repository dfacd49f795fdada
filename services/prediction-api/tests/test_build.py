"""The part alone, on ports of a test and over a real socket."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest

from marketstream.errors import NetworkError, StateError
from marketstream.evidence import Tally
from marketstream.fakes import FakePorts
from marketstream.messages import (
    Candle,
    Feed,
    Learning,
    Model,
    MoveForecast,
    MoveOutcome,
    Outcome,
    Parity,
    Prediction,
    Status,
    Trades,
)  # fmt: skip
from marketstream.plan import Plan
from prediction_api.build import build
from prediction_api.http_server import listen
from prediction_api.settings import ApiSettings
from prediction_api.views.board import Seen

from .conftest import MARKET

PLAN = Plan((MARKET, "kraken:BTC/USDT", "binance:ETH/USDT"), "1s", (1, 2))
MODEL = Model(MARKET, "1s", 1_000, "logistic", "7", 5_000, 600, {})
NOW_NS = 10_500 * 1_000_000

type Make[Made] = Callable[..., Made]


class Remembered:
    """A store of one market that knows what a test has put in; reading waits where it is told."""

    def __init__(self, *rows: Candle | Prediction | Outcome | Model) -> None:
        self.rows = rows
        self.asked: list[tuple[object, ...]] = []
        self.past: list[Tally] = []
        self.asked_until_ms: list[int] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def _of(self, kind: type, *window: object) -> list[object]:
        self.asked.append(window)
        self.meanwhile()
        return [r for r in self.rows if isinstance(r, kind) and r.market == window[0]]

    def candles(self, *window: object) -> list[object]:
        return self._of(Candle, *window)

    def predictions(self, *window: object) -> list[object]:
        return self._of(Prediction, *window)

    def outcomes(self, *window: object) -> list[object]:
        return self._of(Outcome, *window)

    def move_forecasts(self, *window: object) -> list[object]:
        return self._of(MoveForecast, *window)

    def move_outcomes(self, *window: object) -> list[object]:
        return self._of(MoveOutcome, *window)

    def tallies(self, market: str, timeframe: str, until_ms: int, streams: object) -> list[Tally]:
        del timeframe, streams
        self.asked_until_ms.append(until_ms)
        return self.past if market == MARKET else []

    def latest_model(self, market: str, timeframe: str, horizon_ms: int) -> Model | None:
        found = [r for r in self.rows if isinstance(r, Model) and r.market == market]
        return next((r for r in found if r.horizon_ms == horizon_ms), None)


@asynccontextmanager
async def serving(ports: FakePorts) -> AsyncIterator[httpx.AsyncClient]:
    """Run the part's work until the test has asked what it wanted."""
    listening = listen("127.0.0.1", 0)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    work = build(PLAN, ApiSettings(), ports, listening).work
    assert work is not None
    working = asyncio.ensure_future(work())
    async with httpx.AsyncClient(base_url=address, timeout=20) as client:
        yield client
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(working, 10)


def asked(ports: FakePorts, ask: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
    async def run() -> None:
        async with serving(ports) as client:
            await recalled(ports, client)
            await ask(client)

    asyncio.run(run())


async def recalled(ports: FakePorts, client: httpx.AsyncClient) -> None:
    """Wait until the last market's news are shown: then all have been recalled."""
    last = PLAN.markets[-1]
    ports.pass_on(Candle(last, "1s", 0, 1_000, *[1.0] * 6, 1, 1.0, 1.0))
    while not (await client.get("/view/ETH-USDT")).json()["candles"]:
        pass


@pytest.fixture
def ports(tmp_path: Path) -> FakePorts:
    ports = FakePorts(tmp_path)
    ports.now_ns = NOW_NS
    return ports


def tell(ports: FakePorts, make_candle: Make[Candle], make_prediction: Make[Prediction]) -> None:
    ports.pass_on(Status(MARKET, "trades", Feed(connected=True, reconnects=1, missing_trades=2)))
    ports.pass_on(Status(MARKET, "predictor", Learning(9, 9, book=True, trainings={1_000: 3})))
    ports.pass_on(Status(MARKET, "storekeeper", Parity(4, 3, 1, [])))
    ports.pass_on(MODEL)
    ports.pass_on(Seen(MARKET, 10_400_000), NOW_NS)
    ports.pass_on(make_candle(9_000), NOW_NS)
    ports.pass_on(make_prediction(made_at_ms=10_002, latency_us=900), NOW_NS)


def test_every_route_answers_what_the_messages_said(
    ports: FakePorts, make_candle: Make[Candle], make_prediction: Make[Prediction]
) -> None:
    async def ask(client: httpx.AsyncClient) -> None:
        tell(ports, make_candle, make_prediction)
        predictions = await client.get("/predictions/binance/BTC-USDT")
        assert predictions.json()["predictions"][0]["made_at_ms"] == 10_002
        assert (await client.get("/predictions/BTC-USDT")).status_code == 300
        assert (await client.get("/predictions/ETH-USDT")).status_code == 503
        assert (await client.get("/predictions/XRP-USDT")).status_code == 404
        health = (await client.get("/health")).json()
        assert health["status"] == "connecting", "two markets have not been heard of"
        assert health["markets"][MARKET] == {
            "status": "ok", "data_age_ms": 0,
            "models": {"1000": {"name": "logistic", "version": "7"}},
            "accuracy": {"1000": None, "2000": None}, "missing_trades": 2,
            "open_gaps": 0, "stalled_ms": None, "quote_lag_ms": None, "book": None,
            "parity": {"compared": 4, "equal": 3, "incomplete": 1, "differences": []},
            "recomputed": {
                "windows": 0, "equal": 0, "differing": 0, "undecided": 0, "largest": None,
                "newest": None,
            },
        }  # fmt: skip
        metrics = (await client.get("/metrics")).text
        assert f'realtime_data_age_seconds{{market="{MARKET}"}} 0.0' in metrics
        view = (await client.get("/view/binance/BTC-USDT")).json()
        assert [row[0] for row in view["candles"]] == [9_000]
        async with client.stream("GET", "/stream/binance/BTC-USDT") as stream:
            lines = stream.aiter_lines()
            assert await anext(lines) == "event: status"
            status = json.loads((await anext(lines)).removeprefix("data: "))
        assert status["feed"]["parity"] == 0.75
        assert status["horizons"][0]["model"]["trainings"] == 3
        assert len((await client.get("/routes")).json()["markets"]) == 3
        assert (await client.get("/openapi.json")).status_code == 200
        assert (await client.get("/")).status_code in {200, 503}, "as the checkout is built"

    asked(ports, ask)


def test_a_connection_that_is_kept_alive_waits_for_no_delayed_acknowledgement(
    ports: FakePorts,
) -> None:
    async def ask(client: httpx.AsyncClient) -> None:
        took_s = []
        for _ in range(21):
            began_s = time.perf_counter()
            assert (await client.get("/routes")).status_code == 200
            took_s.append(time.perf_counter() - began_s)
        assert min(took_s[1:]) < 0.03, "a delayed acknowledgement takes 0.04 s"

    asked(ports, ask)


def test_an_hour_is_recalled_and_what_comes_meanwhile_follows_it(
    tmp_path: Path,
    make_candle: Make[Candle],
    make_prediction: Make[Prediction],
    make_outcome: Make[Outcome],
) -> None:
    store = Remembered(
        make_candle(8_000), make_candle(9_000), MODEL, make_outcome(9_000),
        make_prediction(9_000, made_at_ms=9_001), make_prediction(made_at_ms=10_002, latency_us=9),
    )  # fmt: skip
    ports = FakePorts(tmp_path, store)  # type: ignore[arg-type]
    ports.now_ns = NOW_NS
    store.meanwhile = lambda: ports.pass_on(make_candle(10_000), NOW_NS)

    async def ask(client: httpx.AsyncClient) -> None:
        ports.pass_on(Seen(MARKET, 10_400_000), NOW_NS)
        (shown,) = (await client.get("/predictions/binance/BTC-USDT")).json()["predictions"]
        assert (shown["made_at_ms"], shown["latency_us"]) == (10_002, 9)
        view = (await client.get("/view/binance/BTC-USDT")).json()
        assert [row[0] for row in view["candles"]] == [8_000, 9_000, 10_000]
        assert [(row[0], row[7]) for row in view["points"]["1000"]] == [
            (9_000, "right"), (10_000, None),
        ]  # fmt: skip
        health = (await client.get("/health")).json()["markets"][MARKET]
        assert health["models"] == {"1000": {"name": "logistic", "version": "7"}}
        assert health["accuracy"]["1000"] == 1.0

    asked(ports, ask)
    hour_ms, day_ms = 3_600_000, 86_400_000  # a day of how far it went, of which there is little
    assert {window[1:] for window in store.asked} == {
        ("1s", 10_500 - hour_ms, 10_500 + hour_ms),
        ("1s", 10_500 - hour_ms - day_ms, 10_500 + hour_ms),
    }


def test_what_is_proven_covers_all_that_is_stored_and_what_comes_after(
    tmp_path: Path, make_prediction: Make[Prediction], make_outcome: Make[Outcome]
) -> None:
    store = Remembered(make_outcome(9_000), make_prediction(made_at_ms=10_002))
    store.past = [Tally(1_000, 0, "right", {"majority": "wrong"}, 40, -90_000_000, -4_000_000)]
    ports = FakePorts(tmp_path, store)  # type: ignore[arg-type]
    ports.now_ns = NOW_NS

    async def ask(client: httpx.AsyncClient) -> None:
        ports.pass_on(Seen(MARKET, 10_400_000), NOW_NS)
        ports.pass_on(make_outcome(10_000, baselines={"majority": "wrong"}), NOW_NS)
        ports.pass_on(make_outcome(9_000), NOW_NS)  # told again
        while (proof := await board(client))["outcomes"] < 42:
            assert (proof["verdict"], proof["since_ms"]) == ("not known yet", None)
        assert (proof["verdict"], proof["since_ms"], proof["until_ms"]) == (
            "skill", -90_000_000, 10_000,
        )  # fmt: skip
        assert proof["rivals"]["majority"]["rows"] == 41
        (verdict,) = (await client.get("/predictions/binance/BTC-USDT")).json()["verdicts"]
        shown = {name: proof[name] for name in verdict if name != "horizon_ms"}
        assert verdict == {"horizon_ms": 1_000, **shown}

    async def board(client: httpx.AsyncClient) -> dict[str, Any]:
        proof: dict[str, Any] = (await client.get("/scoreboard")).json()[MARKET][0]["proof"]
        return proof

    asked(ports, ask)
    assert set(store.asked_until_ms) == {10_500 - 3_600_000}


def test_nothing_is_proven_where_the_store_does_not_tell_of_the_past(
    tmp_path: Path, make_outcome: Make[Outcome]
) -> None:
    class Broken(Remembered):
        def tallies(self, *asked: object) -> list[Tally]:
            raise StateError(f"out of reach: {asked}")

    ports = FakePorts(tmp_path, Broken())  # type: ignore[arg-type]
    ports.now_ns = NOW_NS

    async def ask(client: httpx.AsyncClient) -> None:
        for second in range(400):
            ports.pass_on(make_outcome(10_000 + 1_000 * second), NOW_NS)
        shown = (await client.get("/scoreboard")).json()[MARKET][0]
        assert shown["score"]["outcomes"] == 400
        assert shown["proof"]["verdict"] == "not known yet"

    asked(ports, ask)


def test_routes_answer_while_the_store_is_still_read(
    tmp_path: Path, make_prediction: Make[Prediction]
) -> None:
    asked_while_reading = Event()
    store = Remembered(make_prediction(made_at_ms=10_002))
    store.meanwhile = lambda: asked_while_reading.wait(20)
    ports = FakePorts(tmp_path, store)  # type: ignore[arg-type]
    ports.now_ns = NOW_NS

    async def run() -> None:
        async with serving(ports) as client:
            ports.pass_on(Seen(MARKET, 10_400_000), NOW_NS)
            ports.pass_on(Status(MARKET, "predictor", Learning(5, 9, book=True, trainings={})))
            answer = await client.get("/predictions/binance/BTC-USDT")
            assert (answer.status_code, answer.json()["missing"]["seen_ms"]) == (503, 5)
            asked_while_reading.set()
            await recalled(ports, client)
            assert (await client.get("/predictions/binance/BTC-USDT")).status_code == 200

    asyncio.run(run())


def test_trades_as_one_process_tells_them_are_heard_like_those_of_kafka(
    ports: FakePorts, make_prediction: Make[Prediction]
) -> None:
    async def ask(client: httpx.AsyncClient) -> None:
        [tap] = [tap for kinds, tap in ports._listening if Seen in kinds]
        tap(Trades(MARKET, (), None, 10_400_000), NOW_NS)
        ports.pass_on(make_prediction(), NOW_NS)
        answer = (await client.get("/predictions/binance/BTC-USDT")).json()
        assert answer["as_of_ms"] == 10_400

    asked(ports, ask)


def test_open_streams_do_not_keep_the_part_from_stopping(ports: FakePorts) -> None:
    async def run() -> None:
        async with AsyncExitStack() as after, serving(ports) as client:
            opened = client.stream("GET", "/stream/ETH-USDT")
            stream = await after.enter_async_context(opened)
            assert await anext(stream.aiter_lines()) == "event: status"

    asyncio.run(run())


def test_a_port_that_is_taken_is_said_before_anything_is_read(tmp_path: Path) -> None:
    store = Remembered()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = ApiSettings(port=taken.getsockname()[1])
        work = build(PLAN, settings, FakePorts(tmp_path, store)).work  # type: ignore[arg-type]
        assert work is not None
        with pytest.raises(NetworkError, match="already in use"):
            asyncio.run(work())  # type: ignore[arg-type]
    assert store.asked == []
