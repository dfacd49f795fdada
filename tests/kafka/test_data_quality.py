"""What services say of the data: candles beside the exchange's, and trades that came late."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from marketstream.messages import Trade, Trades
from marketstream.metrics import Metrics
from marketstream.runners.kafka.publisher import KafkaPublisher
from marketstream.runners.kafka.settings import KafkaSettings
from realtime_bench.services import Services

from .system import MakeSystem, System

pytestmark = pytest.mark.kafka

SYMBOLS = ("BTC/USDT", "ETH/USDT")
MARKET = "binance:BTC/USDT"
START_US = 1_723_161_600_000_000
LATE = f'realtime_late_trades_total{{market="{MARKET}"}}'


@pytest.mark.timeout(180)
def test_the_storekeeper_compares_the_stored_candles_with_the_exchange_s(
    make_system: MakeSystem,
) -> None:
    configs = {"trades": {"history_minutes": 1}, "storekeeper": {"audit_every_s": 0.5}}
    system = make_system(SYMBOLS, 50.0, configs)
    for service in ("prediction_api", "trades", "candles", "storekeeper"):
        system.start(service)
    for market in system.markets:
        compared = f'realtime_parity_compared_total{{market="{market}"}}'
        system.wait_for("parity audit", lambda: system.metric(compared, "storekeeper") > 40)  # noqa: B023
        assert system.metric(f'realtime_parity_ratio{{market="{market}"}}', "storekeeper") == 1.0
        differences = f'realtime_parity_differences_total{{market="{market}"}}'
        assert f"{differences} 0.0" in system.metrics("storekeeper")
    (url,) = re.findall(r'"url":"(http://[^"]+)/health"', system.log("trades"))
    system.wait_for("the past of both", lambda: system.ask("/health", url)[0] == 200)
    health = system.ask("/health", url)[1]
    assert (health["status"], health["connected"]) == ("ok", True)

    def parity() -> dict[str, object]:
        found: dict[str, object] = system.ask("/health")[1]["markets"][MARKET]["parity"]
        return found

    system.wait_for("parity by the API", lambda: bool(parity()["compared"]))
    assert parity()["differences"] == []
    assert system.stop("storekeeper") == 0


@pytest.mark.timeout(180)
def test_published_features_are_those_that_stored_candles_make(make_system: MakeSystem) -> None:
    configs = {"trades": {"history_minutes": 1}, "technical_indicators": {"shadow_every_s": 0.5}}
    system = make_system(SYMBOLS, 50.0, configs)
    for service in ("prediction_api", "trades", "candles", "technical_indicators", "storekeeper"):
        system.start(service)
    for market in system.markets:
        vectors = f'realtime_shadow_vectors_total{{market="{market}",result='
        equal = f'{vectors}"equal"}}'
        system.wait_for("features", lambda: system.metric(equal, "technical_indicators") > 100)  # noqa: B023
        assert f'{vectors}"differing"}} 0.0' in system.metrics("technical_indicators")

    def recomputed() -> dict[str, object]:
        found: dict[str, object] = system.ask("/health")[1]["markets"][MARKET]["recomputed"]
        return found

    system.wait_for("the same by the API", lambda: bool(recomputed()["equal"]))
    assert (recomputed()["differing"], recomputed()["newest"]) == (0, None)
    assert system.stop("technical_indicators") == 0


@pytest.mark.timeout(120)
def test_the_storekeeper_waits_where_the_store_cannot_be_used_and_others_go_on(
    tmp_path: Path, broker: str
) -> None:
    urls = {"POSTGRES_HOST": "/nowhere"}
    configs = {"trades": {"history_minutes": 0}, "storekeeper": {"audit_every_s": 0.5}}
    services = Services(tmp_path, broker, ["BTC/USDT"], 50.0, configs, urls)
    try:
        for service in ("trades", "candles", "storekeeper"):
            services.start(service)
        log = "storekeeper"
        services.wait_for("audit", lambda: "No parity audit" in services.log(log))
        services.wait_for("storing", lambda: "Cannot store" in services.log(log))
        trades = f'realtime_trades_total{{market="{MARKET}"}}'
        before = services.metric(trades, "trades")
        services.wait_for("trades", lambda: services.metric(trades, "trades") > before)
        assert services.stop("trades") == 0
        assert services.stop("storekeeper") == 0
    finally:
        services.close()


def publish(broker: str, *trades: tuple[int, int], seen_ms: int) -> None:
    """Publish trades of these ids and times in ms."""
    made = tuple(Trade(number, 100.0, 1.0, "buy", START_US + ms * 1_000) for number, ms in trades)
    with KafkaPublisher(KafkaSettings(broker=broker), Metrics(CollectorRegistry())) as publisher:
        publisher.publish(Trades(MARKET, made, None, START_US + seen_ms * 1_000))


def wait_for_revisions(system: System, revision: int) -> None:
    def revised() -> bool:
        return any(candle.revision == revision for candle in system.candles(MARKET))

    system.wait_for(f"revision {revision}", revised)


@pytest.mark.timeout(180)
def test_the_candles_service_counts_late_trades_once_and_not_again_after_a_restart(
    make_system: MakeSystem, broker: str
) -> None:
    system = make_system(SYMBOLS, 1.0, {})
    publish(broker, (1, 500), (4, 2_500), seen_ms=3_000)
    system.start("storekeeper")
    system.start("candles", "first")
    publish(broker, (2, 600), seen_ms=3_000)
    system.wait_for("late trade", lambda: system.metric(LATE, "first") == 1)
    assert system.stop("first") == 0
    system.start("candles", "second")
    publish(broker, (3, 700), seen_ms=3_000)
    system.wait_for("late trade", lambda: system.metric(LATE, "second") == 1)
    wait_for_revisions(system, 2)
    (candle,) = [c for c in system.candles(MARKET) if c.late_count]
    assert (candle.trade_count, candle.late_count, candle.filled) == (3, 2, True)
    assert 'realtime_messages_total{topic="candles"}' in system.metrics("second")
