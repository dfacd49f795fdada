"""While the database is away the services go on, and afterwards all of it is there."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from marketstream.store.testing import PostgresServer

from .system import SERVICES, MakeSystem, System

pytestmark = pytest.mark.kafka

AWAY_S = 15.0


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def newest(system: System) -> dict[str, Any]:
    """Return the API's prediction for the longest horizon of the first market."""
    status, body = system.ask("/predictions/BTC-USDT")
    assert status == 200, body
    prediction: dict[str, Any] = body["predictions"][-1]
    return prediction


@pytest.mark.timeout(300)
def test_while_the_database_is_away_predictions_come_in_time_and_later_all_are_stored(
    make_system: MakeSystem, server: PostgresServer
) -> None:
    system = make_system(("BTC/USDT", "ETH/USDT"), 100.0, {"trades": {"history_minutes": 3}})
    for service in SERVICES:
        system.start(service)
    system.wait_for("predictions", system.predicts)
    system.wait_until_stored(now_ms())
    gone_ms = now_ms()
    server.crash()
    told: list[dict[str, Any]] = []

    def saw_many() -> bool:
        prediction = newest(system)
        if not told or told[-1]["for_ms"] != prediction["for_ms"]:
            told.append(prediction)
        return now_ms() > gone_ms + AWAY_S * 1_000

    system.wait_for("predictions without a database", saw_many)
    assert system.ask("/health")[1]["status"] == "ok"
    server.start()
    back_ms = now_ms()
    in_time = [each for each in told if each["made_at_ms"] < each["for_ms"]]
    assert len(in_time) >= 0.8 * AWAY_S, json.dumps(told, indent=1)
    system.wait_until_stored(back_ms)
    until_ms = now_ms() - 3_000
    for market in system.markets:
        system.assert_equal_to_the_ledger(market, until_ms)
        rows = [row for row in system.predictions(market) if row.close_time_ms > gone_ms]
        assert len({row.identity for row in rows}) == len(rows)
        meanwhile = [row for row in rows if row.close_time_ms < back_ms]
        late = [row for row in meanwhile if row.late]
        assert len(late) <= 0.1 * len(meanwhile), (len(late), len(meanwhile))
