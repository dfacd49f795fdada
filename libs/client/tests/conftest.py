"""An API that runs, for the client to ask, and what it may have stored."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import uvicorn
from prometheus_client import CollectorRegistry

from marketstream import champions, explanation
from marketstream.champions import ChampionWanted
from marketstream.fakes import FakePorts
from marketstream.messages import Candle, Outcome, Prediction, Trades
from marketstream.metrics import Metrics
from marketstream.plan import Plan
from marketstream.store.port import Store
from marketstream.store.sql import open_store
from prediction_api.routes.app import build_app
from prediction_api.settings import ApiSettings
from prediction_api.views.market_views import MarketViews

START_MS = 1_700_000_000_000
MARKET, PERPETUAL = "binance:BTC/USDT", "binance-usdm:BTC/USDT:USDT"


def prediction(close_time_ms: int, horizon_ms: int = 1_000) -> Prediction:
    return Prediction(
        MARKET, "1s", close_time_ms, horizon_ms, "champion", "logistic", "7", 0, 100.0, 100.5, 0.0,
        100.0, 0.5, 0.2, 0.3, 99.0, 101.0, 0.8, "up", None, {},
    )  # fmt: skip


def outcome(close_time_ms: int) -> Outcome:
    return Outcome(
        MARKET, "1s", close_time_ms, 1_000, "champion", "7", 100.5, 0.005, 0.0, "right", "right",
        inside=True, baselines={},
    )  # fmt: skip


def candle(number: int) -> Candle:
    opened_ms = START_MS + number * 1_000
    return Candle(
        MARKET, "1s", opened_ms, opened_ms + 1_000, 1.0, 2.0, 0.5, 1.5, 3.0, 4.0, 5, 1.0,
        2.0, complete=None if number % 2 else True,
    )  # fmt: skip


class Served:
    """An API on a port of its own, and the views behind it."""

    def __init__(self, folder: Path, store: Store, port: int = 0, **access: Any) -> None:
        metrics, plan = Metrics(CollectorRegistry()), Plan((MARKET, PERPETUAL), "1s", (1, 2))
        self.ns = 10_000 * 1_000_000_000
        self.views = MarketViews(plan, metrics, now_ns=lambda: self.ns)
        opened = FakePorts(folder, store).store
        settings = ApiSettings(**access).for_address("127.0.0.1")
        self.changed: list[ChampionWanted] = []

        async def change(wanted: ChampionWanted) -> champions.ChampionChanged:
            self.changed.append(wanted)
            version = wanted.version or "6"
            return champions.ChampionChanged("binance-BTC-USDT", version, "7", wanted.why)

        async def take_apart(told: explanation.Explanation) -> dict[str, explanation.Terms]:
            assert told.features is not None
            return {"logistic": explanation.Terms(0.5, 0.1, {"rsi_14": 0.4})}

        app = build_app(
            plan, self.views, metrics, opened, settings, bundle=folder, take_apart=take_apart,
            change_champion=change,
        )  # fmt: skip
        self.schema = app.openapi()
        self._server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        self._socket = socket.create_server(("127.0.0.1", port))
        self.port = int(self._socket.getsockname()[1])
        self._thread = Thread(target=self._server.run, kwargs={"sockets": [self._socket]})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def predict(self, close_time_ms: int, horizon_ms: int = 1_000) -> None:
        self.views.hear(Trades(MARKET, (), None, close_time_ms * 1_000), self.ns)
        self.views.hear(prediction(close_time_ms, horizon_ms), self.ns)

    def close(self) -> None:
        self._server.should_exit = True
        self.views.feed.close()
        self._thread.join(5)
        self._socket.close()
        assert not self._thread.is_alive()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(open_store(f"sqlite:///{tmp_path}/realtime.sqlite")) as opened:
        yield opened


@pytest.fixture
def api(tmp_path: Path, store: Store) -> Iterator[Served]:
    with closing(Served(tmp_path, store)) as served:
        yield served
