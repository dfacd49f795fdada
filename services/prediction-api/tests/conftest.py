"""Messages as the pipeline would make them, and the API's views on a clock that is set."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from marketstream.champions import ChangeChampion
from marketstream.explanation import TakeApart
from marketstream.fakes import FakePorts
from marketstream.messages import Candle, Outcome, Prediction, Status, Trades, Verdict
from marketstream.messages.status import Said
from marketstream.metrics import Metrics
from marketstream.plan import Plan
from marketstream.store.port import Store
from prediction_api.http_server import HttpServer, server_config
from prediction_api.routes.app import build_app
from prediction_api.settings import ApiSettings
from prediction_api.views.market_views import MarketViews

MARKET = "binance:BTC/USDT"


class Api:
    """The views and the app on them, in a time that stands still until it is set."""

    def __init__(
        self,
        bundle: Path,
        *markets: str,
        speed: float = 1.0,
        store: Store | None = None,
        take_apart: TakeApart | None = None,
        change_champion: ChangeChampion | None = None,
        **settings: Any,
    ) -> None:
        self.ns = 1_000_000_000
        self.bundle = bundle
        self.metrics = Metrics(CollectorRegistry())
        self.plan = Plan(markets or (MARKET,), "1s", (1, 2))
        self.views = MarketViews(self.plan, self.metrics, now_ns=lambda: self.ns, speed=speed)
        ports = FakePorts(bundle, store)
        said = ApiSettings(**settings).for_address("127.0.0.1")
        self.app = build_app(
            self.plan, self.views, self.metrics, ports.store, said,
            bundle=bundle, take_apart=take_apart, change_champion=change_champion,
        )  # fmt: skip
        self.client = TestClient(self.app)

    def see(self, seen_until_ms: int, market: str = MARKET) -> None:
        """Have trades come of a market now."""
        self.views.hear(Trades(market, (), None, seen_until_ms * 1_000), self.ns)

    def say(self, said: Said, market: str = MARKET) -> None:
        """Have a service say something of a market."""
        self.views.hear(Status(market, type(said).__name__, said), 0)


@contextmanager
def served(api: Api, most_connections: int = 1_000) -> Iterator[tuple[str, int]]:
    """Serve an API on a port of its own; yield where it is."""
    server = HttpServer(server_config(api.app, most_connections))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()
        finally:
            server.should_exit = True
            api.views.close()
            thread.join(5)
        assert not thread.is_alive(), "an open stream kept the server from stopping"


@pytest.fixture
def api(tmp_path: Path) -> Api:
    return Api(tmp_path)


@pytest.fixture
def make_api(tmp_path: Path) -> Callable[..., Api]:
    return lambda *markets, **given: Api(tmp_path, *markets, **given)


@pytest.fixture
def make_candle() -> Callable[..., Candle]:
    def make(open_time_ms: int = 10_000, **changed: object) -> Candle:
        values = {
            "market": MARKET, "timeframe": "1s", "open_time_ms": open_time_ms,
            "close_time_ms": open_time_ms + 1_000, "open": 100.0, "high": 102.0, "low": 99.0,
            "close": 101.0, "volume": 1.0, "quote_volume": 100.0, "trade_count": 3,
            "taker_buy_volume": 0.5, "taker_buy_quote_volume": 50.0, "bid": 100.5, "ask": 101.5,
            **changed,
        }  # fmt: skip
        return Candle(**values)  # type: ignore[arg-type]

    return make


@pytest.fixture
def make_prediction() -> Callable[..., Prediction]:
    def make(close_time_ms: int = 10_000, horizon_ms: int = 1_000, **changed: object) -> Prediction:
        values = {
            "market": MARKET, "timeframe": "1s", "close_time_ms": close_time_ms,
            "horizon_ms": horizon_ms, "role": "champion", "model_name": "logistic",
            "model_version": "7", "label_latency_ms": 0, "values": {"rsi_14": 50.0}, "mid": 100.0,
            "close": 100.01, "expected_return": 1e-5, "predicted_price": 100.001, "p_up": 0.5,
            "p_flat": 0.2, "p_down": 0.3, "low": 99.0, "high": 101.0, "level": 0.8,
            "direction": "up", "reason": None, "answers": {"majority": "up"}, **changed,
        }  # fmt: skip
        return msgspec.convert(values, Prediction)

    return make


@pytest.fixture
def make_outcome() -> Callable[..., Outcome]:
    def make(
        close_time_ms: int = 10_000, horizon_ms: int = 1_000, verdict: Verdict = "right",
        **changed: object,
    ) -> Outcome:  # fmt: skip
        values = {
            "market": MARKET, "timeframe": "1s", "close_time_ms": close_time_ms,
            "horizon_ms": horizon_ms, "role": "champion", "model_version": "7",
            "realised_mid": 100.5, "realised_return": 0.005, "close_return": 0.004,
            "verdict": verdict, "close_verdict": verdict, "inside": True, "baselines": {},
            **changed,
        }  # fmt: skip
        return Outcome(**values)  # type: ignore[arg-type]

    return make
