"""While the broker is away workers wait for it, and go on where they were."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from .system import SERVICES, MakeSystem

pytestmark = pytest.mark.kafka

AWAY_S = 15.0
SCRIPT = Path(__file__).parents[2] / "scripts" / "kafka"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.mark.timeout(300)
def test_after_a_broker_was_away_all_workers_go_on_and_nothing_is_lost(
    make_system: MakeSystem, broker: str, tmp_path: Path
) -> None:
    system = make_system(("BTC/USDT",), 50.0, {"trades": {"history_minutes": 3}})
    for service in SERVICES:
        system.start(service)
    system.wait_for("predictions", system.predicts)
    port = broker.partition(":")[2]
    where = ("--folder", str(tmp_path / "kafka"), "--port", port)
    subprocess.run([SCRIPT, "stop", *where], check=True, stdout=subprocess.DEVNULL)
    gone_s = time.monotonic()
    system.wait_for("the outage to last", lambda: time.monotonic() - gone_s > AWAY_S)
    subprocess.run([SCRIPT, "start", *where], check=True, stdout=subprocess.DEVNULL)
    back_ms = now_ms()
    system.wait_until_stored(back_ms + 1_000)
    until_ms = now_ms() - 3_000
    system.assert_equal_to_the_ledger("binance:BTC/USDT", until_ms)
    for service in SERVICES:
        assert "Traceback" not in system.log(service), service
