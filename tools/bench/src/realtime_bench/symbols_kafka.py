"""Very many markets of one exchange, followed by the trades service, as it is on Kafka."""

from __future__ import annotations

import logging
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from marketstream.errors import NetworkError
from marketstream.runners.kafka.connection import connect, open_topic
from marketstream.runners.kafka.decoding import Decoding
from marketstream.runners.kafka.reading import extents, read_between
from marketstream.topics import GAPS, STALLS, TRADES
from realtime_bench.broker import Broker, running_broker
from realtime_bench.crowd import symbols
from realtime_bench.figures import Effort, Measured, Say
from realtime_bench.ids import Ledger, Tally
from realtime_bench.services import Services
from realtime_bench.watching import labels_above_zero, total

_SERVICE, _AGAIN = "trades", "trades-again"
_PATIENCE_S = 300.0
_HISTORY_MINUTES = 5  # of which a page holds all: longer than a start takes on a busy machine
_FEWEST_RUNS = 3


@dataclass(frozen=True, slots=True)
class _Crowd:
    markets: int
    trades_per_second: float
    seconds: float
    away_s: float  # between the kill and the next start


_WHOLE, _QUICK = _Crowd(1_000, 2.0, 60.0, 5.0), _Crowd(50, 2.0, 3.0, 1.0)


def bench_symbols_kafka(effort: Effort, say: Say) -> Measured:
    """Follow 1,000 markets by one trades service on a broker, kill it, and count what is lost."""
    logging.getLogger("quixstreams").setLevel(logging.WARNING)  # it tells of each topic it makes
    crowd = _QUICK if effort.quick else _WHOLE
    found: list[dict[str, float]] = []
    for number in range(1, (1 if effort.quick else min(effort.runs, _FEWEST_RUNS)) + 1):
        with TemporaryDirectory(prefix="realtime-bench-") as name:
            say(f"{crowd.markets} markets, run {number}: preparing the broker")
            with running_broker(Path(name) / "kafka") as broker:
                found.append(_run(crowd, broker, Path(name), say))
    conditions = {
        "markets": crowd.markets,
        "trades_per_second_each": crowd.trades_per_second,
        "seconds": crowd.seconds,
        "killed_for_seconds": crowd.away_s,
        **{name: [one[name] for one in found] for name in ("trades", "stalls")},
    }
    figures = [name for name in found[0] if name not in conditions]
    return Measured({name: [one[name] for one in found] for name in figures}, conditions)


def _run(crowd: _Crowd, broker: Broker, folder: Path, say: Say) -> dict[str, float]:
    def exchange(port: int) -> list[str]:
        each = str(crowd.trades_per_second)
        return ["realtime_bench.crowd", str(crowd.markets), each, str(port)]

    names = symbols(crowd.markets)
    services = Services(
        folder, broker.settings.broker, names, crowd.trades_per_second,
        {_SERVICE: {"history_minutes": _HISTORY_MINUTES}}, broker.environment, exchange,
    )  # fmt: skip
    with closing(services):
        time.sleep(1)
        found = _started(services, _SERVICE, crowd, say)
        found |= _window(services, broker, crowd.seconds)
        say("killed")
        services.kill(_SERVICE)
        time.sleep(crowd.away_s)
        again = _started(services, _AGAIN, crowd, say)
        again |= _window(services, broker, crowd.seconds / 3)
        found["again_most_mib"] = again["most_mib"]
        found["again_after_seconds"] = again["ready_after_seconds"]
        found["again_cpu_seconds"] = again["start_cpu_seconds"]
        if code := services.stop(_AGAIN):
            raise NetworkError(f"the trades service ended with {code}: {services.log(_AGAIN)}")
    say("reading what was published")
    tally = _published(broker, [f"binance:{name}" for name in names])
    return found | {
        "lost": tally.lost,
        "doubled": tally.doubled,
        "in_gaps": tally.in_gaps,
        "silent_markets": tally.silent_markets,
        "trades": tally.trades,
        "stalls": tally.stalls,
    }


def _started(services: Services, name: str, crowd: _Crowd, say: Say) -> dict[str, float]:
    """Start the service; return how long it took until each market was there with its past."""
    say(f"waiting until {crowd.markets} markets are followed")
    started_s = time.monotonic()
    services.start(_SERVICE, name)

    def follows() -> bool:
        if not _is_ready(services, name):
            return False
        page = services.metrics(name)
        return labels_above_zero(page, "realtime_trades_total") >= crowd.markets

    services.wait_for("word of all markets", follows, _PATIENCE_S)
    return {
        "ready_after_seconds": round(time.monotonic() - started_s, 2),
        "start_cpu_seconds": services.cpu_s().get(name, 0.0),
    }


def _is_ready(services: Services, name: str) -> bool:
    said: Any = services.health(name)
    return isinstance(said, dict) and said.get("status") == "ok" and bool(said.get("connected"))


def _window(services: Services, broker: Broker, seconds: float) -> dict[str, float]:
    name = _AGAIN if _AGAIN in services.cpu_s() else _SERVICE
    started_s, before = time.monotonic(), total(services.metrics(name), "realtime_trades_total")
    cpu_s, broker_s = services.cpu_s().get(name, 0.0), broker.cpu_s() or 0.0
    time.sleep(seconds)
    passed_s = time.monotonic() - started_s
    used_s, broker_used_s = services.cpu_s().get(name, 0.0), broker.cpu_s() or 0.0
    page = services.metrics(name)
    return {
        "trades_per_second": round((total(page, "realtime_trades_total") - before) / passed_s, 1),
        "cpu_share": round((used_s - cpu_s) / passed_s, 3),
        "broker_cpu_share": round((broker_used_s - broker_s) / passed_s, 3),
        "most_mib": services.most_mib(name),
        "metrics_cpu_seconds": round(services.cpu_s().get(name, 0.0) - used_s, 3),
        "metrics_kib": round(len(page) / 1024),
    }


def _published(broker: Broker, markets: list[str]) -> Tally:
    """Read all that the service has published, in whichever order it came."""
    ledger = Ledger()
    application = connect(broker.settings, "ledger")
    for topic, told in ((TRADES, ledger.trades), (GAPS, ledger.gap), (STALLS, ledger.stall)):
        name = open_topic(application, topic, broker.settings).name
        decoding = Decoding({name: topic})
        for extent in extents(application, name):
            for raw in read_between(application, name, extent):
                told(decoding.message(name, raw.value(), raw.key()))
    return ledger.tally(markets)
