"""All services on Kafka and PostgreSQL: nothing lost, nothing doubled, whatever dies."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from .system import SERVICES, MakeSystem, System

pytestmark = pytest.mark.kafka

WARM = {"trades": {"history_minutes": 3}}  # enough to train on
SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT")


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def assert_predicted_once(system: System, market: str, from_ms: int, until_ms: int) -> None:
    """Each close has one prediction and one outcome a horizon, from the first one on."""
    rows = system.predictions(market)
    made = Counter((p.close_time_ms, p.horizon_ms) for p in rows if p.close_time_ms >= from_ms)
    closes = range(-(-from_ms // 1_000) * 1_000, until_ms, 1_000)
    expected = {(close_ms, horizon_ms) for close_ms in closes for horizon_ms in (1_000, 2_000)}
    assert expected <= made.keys()
    assert max(made.values()) == 1
    late = {p.identity for p in rows if p.late}
    scored = {outcome.identity for outcome in system.outcomes(market)}
    due = {p.identity for p in rows if p.for_ms < until_ms} - late
    assert due <= scored


@pytest.mark.timeout(400)
def test_killing_each_service_in_turn_loses_and_doubles_nothing(make_system: MakeSystem) -> None:
    system = make_system(SYMBOLS, 100.0, WARM)
    for service in SERVICES:
        system.start(service)
    system.wait_for("predictions", system.predicts)
    started_ms = now_ms() + 1_000
    for service in SERVICES:
        system.kill(service)
        system.start(service)
        system.wait_until_stored(now_ms())
    system.wait_for("predictions", system.predicts)
    until_ms = now_ms() - 3_000
    for market in system.markets:
        system.assert_equal_to_the_ledger(market, until_ms)
        assert_predicted_once(system, market, started_ms, until_ms)
    assert system.ask("/health")[1]["status"] == "ok"


@pytest.mark.timeout(400)
def test_one_worker_three_and_one_again_lose_and_double_nothing(make_system: MakeSystem) -> None:
    system = make_system(SYMBOLS, 100.0, WARM)
    for service in SERVICES:
        system.start(service)
    system.wait_for("predictions", system.predicts)
    for name in ("second", "third"):
        system.start("candles", name)
        system.wait_until_stored(now_ms())
    for name in ("candles", "second"):
        assert system.stop(name) == 0
        system.wait_until_stored(now_ms())
    until_ms = now_ms() - 3_000
    for market in system.markets:
        system.assert_equal_to_the_ledger(market, until_ms)
    assert system.metric('realtime_rebalances_total{stage="candles"}', "third") >= 1
