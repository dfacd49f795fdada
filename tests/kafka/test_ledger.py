"""On Kafka, with faults and each service killed, what is stored is what was traded."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from marketstream.store.sql import open_store
from marketstream.testing import running_kafka
from realtime_bench.services import Services
from realtime_bench.soak.comparison import Comparison, compare_store, table
from realtime_bench.soak.exchange import FaultyExchange, faulty_exchange
from realtime_bench.soak.kinds import FRAMES

pytestmark = pytest.mark.kafka

SYMBOL, MARKET, RATE = "BTC/USDT", "binance:BTC/USDT", 50.0
STAGES = ("trades", "candles", "storekeeper")
FAULTS = ("cut", "zombie", "drop", "id_ahead", "absurd_time", "rest_500")
LASTS_S, SETTLES_S = 3.0, 90.0  # what a killed worker held is mended by the storekeeper
HISTORY_US = 3_600_000_000


def compared(folder: Path, exchange: FaultyExchange, begin_us: int, until_us: int) -> Comparison:
    """Compare what is stored, from the second after the start, with what was traded."""
    store = open_store(f"sqlite:///{folder / 'state' / 'realtime.sqlite'}")
    try:
        return compare_store(
            store,
            MARKET,
            "1s",
            exchange.truth(SYMBOL, begin_us - HISTORY_US, until_us + HISTORY_US),
            from_ms=begin_us // 1_000 + 1_000,
            settled_until_ms=until_us // 1_000,
        )
    finally:
        store.close()


def newest_stored_ms(folder: Path) -> int:
    store = open_store(f"sqlite:///{folder / 'state' / 'realtime.sqlite'}")
    try:
        last = store.last_candles(MARKET, "1s", 1)
    finally:
        store.close()
    return last[-1].close_time_ms if last else 0


def fail_in_every_way(exchange: FaultyExchange, services: Services, folder: Path) -> None:
    """Bring faults, a service killed in each of them, and wait for candles after each."""
    for place, kind in enumerate(FAULTS):
        service = STAGES[place % len(STAGES)]
        exchange.begin(kind, seconds=60, share=0.05 if kind in FRAMES else None)
        time.sleep(LASTS_S / 2)
        services.kill(service)
        time.sleep(LASTS_S / 2)
        exchange.end(kind)
        services.start(service)
        ended_ms = time.time_ns() // 1_000_000
        services.wait_for(
            f"candles after {kind} and the end of {service}",
            lambda: newest_stored_ms(folder) > ended_ms,  # noqa: B023
        )


@pytest.mark.timeout(300)
def test_faults_and_kills_of_each_service_lose_double_and_hide_nothing(tmp_path: Path) -> None:
    with (
        faulty_exchange(tmp_path, [SYMBOL], 1, RATE) as exchange,
        running_kafka(tmp_path / "kafka") as broker,
    ):
        begin_us = time.time_ns() // 1_000
        urls = {"EXCHANGE_WS_URL": exchange.ws_url, "EXCHANGE_REST_URL": exchange.rest_url}
        configs = {
            "trades": {"history_minutes": 1},
            "storekeeper": {"audit_every_s": 2.0, "mend_grace_s": 2.0},
        }
        services = Services(tmp_path, broker, [SYMBOL], RATE, configs, urls)
        try:
            for stage in STAGES:
                services.start(stage)
            services.wait_for("candles", lambda: newest_stored_ms(tmp_path) > begin_us // 1_000)
            fail_in_every_way(exchange, services, tmp_path)
            until_us = time.time_ns() // 1_000
            settled_s = time.monotonic() + SETTLES_S
            while not compared(tmp_path, exchange, begin_us, until_us).kept:
                if time.monotonic() > settled_s:
                    break
                time.sleep(1.0)
            for stage in STAGES:
                assert services.stop(stage) == 0
        finally:
            services.close()
        found = compared(tmp_path, exchange, begin_us, until_us)
    assert found.kept, f"\n{table([found])}\n{found.violations[:20]}"
