"""The same pipeline on Kafka: what a worker carries, and how long a prediction takes over it."""

from __future__ import annotations

import logging
import time
from contextlib import closing
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from marketstream.errors import SettingsError
from marketstream.settings import SystemSettings, load_settings
from marketstream.store.postgresql import postgres_url
from marketstream.store.sql import open_store
from marketstream.symbols import market_of
from realtime_bench.broker import Broker, running_broker
from realtime_bench.figures import Effort, Measured, Say
from realtime_bench.load import EXCHANGE, HORIZONS, SYMBOLS, TIMEFRAME
from realtime_bench.services import Services, service_modules
from realtime_bench.watching import LATENCY, add, total, watch
from realtime_bench.workers import bench_workers

_TRADES_PER_SECOND, _QUICK_TRADES_PER_SECOND = 1_000.0, 50.0  # of each market
_WINDOW_S, _QUICK_WINDOW_S = 30.0, 3.0
_FIRST_AFTER_S, _QUICK_FIRST_AFTER_S = 30, 12
_PATIENCE_S = 300.0


def bench_kafka(effort: Effort, say: Say) -> Measured:
    """Measure workers on a full topic, then latencies through all services at 10,000 trades/s."""
    logging.getLogger("quixstreams").setLevel(logging.WARNING)  # it tells of each topic it makes
    system = load_settings(SystemSettings, None, env_file=None)
    postgresql = any(name.startswith("postgres_") for name in system.model_fields_set)
    if postgresql:
        _check_empty(system)
    with TemporaryDirectory(prefix="realtime-bench-") as name:
        say("preparing the broker")
        with running_broker(Path(name) / "kafka") as broker:
            workers = bench_workers(broker, effort, say)
            services = _bench_services(broker, Path(name), effort, say)
    store = {"store": "PostgreSQL" if postgresql else "SQLite"}
    return Measured(
        {**workers.runs, **services.runs},
        {"workers": workers.conditions, "services": services.conditions | store},
    )


def _check_empty(system: SystemSettings) -> None:
    """Raise SettingsError where a database has candles: made-up ones have no place beside them."""
    with closing(open_store(postgres_url(system))) as store:
        if any(store.last_candles(market_of(EXCHANGE, s), TIMEFRAME, 1) for s in SYMBOLS):
            raise SettingsError(
                f"the database {system.postgres_db} has candles of {EXCHANGE} already: let "
                "POSTGRES_DB name an empty one, or set none of POSTGRES_* and SQLite is used"
            )


def _bench_services(broker: Broker, folder: Path, effort: Effort, say: Say) -> Measured:
    symbols = SYMBOLS[:2] if effort.quick else SYMBOLS
    rate = _QUICK_TRADES_PER_SECOND if effort.quick else _TRADES_PER_SECOND
    window_s = _QUICK_WINDOW_S if effort.quick else _WINDOW_S
    environment = {**broker.environment, "HORIZONS": ",".join(map(str, HORIZONS))}
    # No hour of history at this rate: models are trained on the first half minute instead.
    first_after_s = _QUICK_FIRST_AFTER_S if effort.quick else _FIRST_AFTER_S
    configs = {
        "trades": {"history_minutes": 0},
        "predictor": {"training": {"first_after": first_after_s, "fewest_moved": 5}},
    }
    services = Services(folder, broker.settings.broker, symbols, rate, configs, environment)
    names = ("rate", "p50_ms", "p99_ms")
    runs: dict[str, list[float]] = {name: [] for name in names}
    cores: list[dict[str, float]] = []
    with closing(services):
        for service in service_modules():
            services.start(service)
        say("services: waiting for the first models of all markets")
        services.wait_for("predictions", services.predicts, _PATIENCE_S)
        for number in range(1, effort.runs + 1):
            say(f"services, window {number} of {effort.runs}")
            started_s, trades, cpu_s = time.monotonic(), _trades(services), _cpu_s(services, broker)
            seen = watch(services.get, symbols, window_s)
            seconds = time.monotonic() - started_s
            runs["rate"].append((_trades(services) - trades) / seconds)
            add(runs, "p50_ms", seen.closed_us.values(), 0.5)
            add(runs, "p99_ms", seen.closed_us.values(), 0.99)
            used_s = _cpu_s(services, broker)
            cores.append({name: (used_s[name] - cpu_s[name]) / seconds for name in cpu_s})
    conditions: dict[str, object] = {
        "markets": len(symbols),
        "window_seconds": window_s,
        "latency": LATENCY,
        "cores_used": {name: round(median(one[name] for one in cores), 2) for name in cores[0]},
    }
    return Measured(runs, conditions)


def _trades(services: Services) -> float:
    return total(services.metrics("trades"), "realtime_trades_total")


def _cpu_s(services: Services, broker: Broker) -> dict[str, float]:
    used_s = services.cpu_s()
    if (brokers := broker.cpu_s()) is not None:
        used_s["broker"] = brokers
    return used_s
