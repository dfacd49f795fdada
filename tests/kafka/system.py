"""The services as processes of their own, on a real broker and a real database."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from candles.aggregation import CandleAggregator
from exchange_simulator import SeededMarket
from exchange_simulator.messages import trades_messages
from marketstream.messages import Candle, Outcome
from marketstream.store.port import Store
from marketstream.store.rows import PredictionRow
from marketstream.store.sql import open_store
from marketstream.store.testing import PostgresServer
from marketstream.testing import free_port

SERVICES = ("trades", "candles", "technical_indicators", "predictor", "prediction_api")
FAR_MS = 2**62


class System:
    """A simulated exchange and what follows it; processes are started and ended by name."""

    def __init__(
        self,
        folder: Path,
        broker: str,
        server: PostgresServer,
        symbols: Sequence[str],
        rate: float,
        configs: Mapping[str, object],
    ) -> None:
        self.folder = folder
        self.symbols = symbols
        self.rate = rate
        self._configs = configs
        self.markets = [f"binance:{symbol}" for symbol in symbols]
        self.api_port, exchange_port = free_port(), free_port()
        self._store_url = server.url(server.new_database())
        self._environment = {
            **os.environ,
            "KAFKA_BROKER": broker,
            "EXCHANGE_WS_URL": f"ws://127.0.0.1:{exchange_port}/ws",
            "EXCHANGE_REST_URL": f"http://127.0.0.1:{exchange_port}",
            "SYMBOLS": ",".join(symbols),
            "HORIZONS": "1,2",
            "POSTGRES_HOST": str(server.socket_folder),
            "POSTGRES_DB": self._store_url.partition("@/")[2].partition("?")[0],
            "POSTGRES_USER": "postgres",
            "API_PORT": str(self.api_port),
            "METRICS_PORT": "0",
            "KAFKA_SESSION_TIMEOUT_MS": "3000",
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._run(
            "exchange",
            [
                *("realtime_training", "simulate", "--port", str(exchange_port)),
                *("--trades-per-second", str(rate)),
                *(part for symbol in symbols for part in ("--symbol", symbol)),
            ],
        )

    def start(self, service: str, name: str | None = None) -> None:
        """Start a service; another worker of it has a name, and so a state folder, of its own."""
        name = name or service
        environment = {
            "KAFKA_STATE_FOLDER": str(self.folder / f"{name}-state"),
            "KAFKA_WORKER": name,
        }
        if service in self._configs:
            config = self.folder / f"{service}.yaml"
            config.write_text(json.dumps(self._configs[service]))
            environment["SERVICE_CONFIG"] = str(config)
        self._run(name, [service], **environment)

    def _run(self, name: str, arguments: list[str], **environment: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**self._environment, **environment},
            )

    def kill(self, name: str) -> None:
        """End a process as a crash does."""
        self._running[name].kill()
        self._running.pop(name).wait()

    def stop(self, name: str) -> int:
        """End a process as an orchestrator does; return its exit code."""
        process = self._running.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(30)

    def log(self, name: str) -> str:
        """Return what a process said so far."""
        return (self.folder / f"{name}.log").read_text()

    def ask(self, path: str) -> tuple[int, Any]:
        """Ask the API."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.api_port}{path}", timeout=5
            ) as answer:
                return answer.status, _body(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _body(error.read())

    def metric(self, name: str, path: str = "") -> float:
        """Return a metric of a service by its name and labels, 0 where there is none."""
        url = re.search(r'"url":"(http://[^"]+)/health"', self.log(path)) if path else None
        base = f"http://127.0.0.1:{self.api_port}" if url is None else url[1]
        with urllib.request.urlopen(f"{base}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    def wait_for(self, what: str, condition: Callable[[], bool], seconds: float = 120) -> None:
        """Wait until a condition holds; AssertionError with the logs where it does not come."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for name, process in self._running.items():
                assert process.poll() is None, f"{name} ended: {self.log(name)[-4_000:]}"
            try:
                if condition():
                    return
            except OSError:
                pass  # not listening yet
            time.sleep(0.1)
        logs = "\n".join(f"{name}: {self.log(name)[-2_000:]}" for name in self._running)
        raise AssertionError(f"no {what} within {seconds} s\n{logs}")

    def predicts(self) -> bool:
        """Say whether there is a prediction for every market."""
        return all(
            self.ask(f"/predictions/{symbol.replace('/', '-')}")[0] == 200
            for symbol in self.symbols
        )

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Open the services' database."""
        store = open_store(self._store_url)
        try:
            yield store
        finally:
            store.close()

    def candles(self, market: str) -> list[Candle]:
        """Return the stored candles of a second."""
        with self.store() as store:
            return store.candles(market, "1s", 0, FAR_MS)

    def predictions(self, market: str) -> list[PredictionRow]:
        """Return the stored predictions."""
        with self.store() as store:
            return store.predictions(market, "1s", 0, FAR_MS)

    def outcomes(self, market: str) -> list[Outcome]:
        """Return the stored outcomes."""
        with self.store() as store:
            return store.outcomes(market, "1s", 0, FAR_MS)

    def wait_until_stored(self, until_ms: int) -> None:
        """Wait until all markets have candles and outcomes up to a moment."""

        def reached() -> bool:
            with self.store() as store:
                return all(
                    (candles := store.last_candles(market, "1s", 1))
                    and candles[0].close_time_ms > until_ms
                    and store.outcomes(market, "1s", until_ms, FAR_MS)
                    for market in self.markets
                )

        self.wait_for(f"candles and outcomes after {until_ms}", reached)

    def assert_equal_to_the_ledger(self, market: str, until_ms: int) -> list[Candle]:
        """Compare candles up to a moment with those of the exchange's own trades, field by field.

        Each follows on the one before, and all but the first are complete.
        """
        candles = [c for c in self.candles(market) if c.close_time_ms <= until_ms]
        assert len(candles) > 60
        assert all(one.close_time_ms == two.open_time_ms for one, two in pairwise(candles))
        assert [c.open_time_ms for c in candles[1:] if not c.complete] == []
        symbol = market.partition(":")[2]
        tape = SeededMarket(symbol, 1, trades_per_second=self.rate)
        aggregator = CandleAggregator(market, ["1s"])
        messages = trades_messages(
            tape, market, candles[0].open_time_ms * 1_000, candles[-1].close_time_ms * 1_000
        )
        ledger = [candle for message in messages for candle in aggregator.update(message)]
        assert [what_traded(c) for c in candles[1:]] == [what_traded(c) for c in ledger[1:]]
        return candles

    def close(self) -> None:
        """End whatever still runs."""
        for process in self._running.values():
            process.kill()
        for process in self._running.values():
            process.wait()


type MakeSystem = Callable[[Sequence[str], float, Mapping[str, object]], System]


def what_traded(candle: Candle) -> tuple[object, ...]:
    """Return what the ledger knows of a candle: all but the book."""
    return (
        candle.open_time_ms, candle.open, candle.high, candle.low, candle.close, candle.volume,
        candle.quote_volume, candle.trade_count, candle.taker_buy_volume,
        candle.taker_buy_quote_volume, candle.first_trade_id, candle.last_trade_id,
    )  # fmt: skip


def _body(raw: bytes) -> Any:
    return json.loads(raw) if raw.startswith(b"{") else raw.decode()
