"""Several trades services share the markets out, and one more of them moves its own."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from marketstream.messages import Trades
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.runners.kafka.tail import read_tail
from marketstream.topics import TRADES
from trades.sharing import shared_out

from .system import FAR_MS, MakeSystem, System

pytestmark = pytest.mark.kafka

WARM = {"trades": {"history_minutes": 1}}
SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "ADA/USDT", "DOGE/USDT")


def started(system: System, instance: int, instances: int) -> None:
    told = {"TRADES_INSTANCE": str(instance), "TRADES_INSTANCES": str(instances)}
    system.start("trades", f"trades-{instance}", told)


def stored_beyond(system: System, until_ms: int) -> None:
    def reached() -> bool:
        with system.store() as store:
            newest = [store.last_candles(market, "1s", 1) for market in system.markets]
        return all(candles and candles[0].close_time_ms > until_ms for candles in newest)

    system.wait_for(f"candles after {until_ms}", reached)


def published(broker: str, markets: list[str]) -> dict[str, Counter[int]]:
    """Return how often each fill is on the topic, by market and id."""
    settings = KafkaSettings(broker=broker)
    tails = read_tail(settings, TRADES, markets, lambda _tail: False)
    return {
        market: Counter(
            fill
            for message in tail
            if isinstance(message, Trades)
            for trade in message.trades
            for fill in range(trade.id - trade.count + 1, trade.id + 1)
        )
        for market, tail in tails.items()
    }


def followed(system: System, name: str) -> set[str]:
    return {
        market
        for market in system.markets
        if system.metric(f'realtime_trades_total{{market="{market}"}}', name) > 0
    }


@pytest.mark.timeout(400)
def test_two_instances_and_then_three_lose_and_double_nothing(
    make_system: MakeSystem, broker: str
) -> None:
    system = make_system(SYMBOLS, 50.0, WARM)
    shares = {of: [set(shared_out(system.markets, at, of)) for at in range(of)] for of in (2, 3)}
    assert all(shares[2])
    assert all(shares[3])
    for service in ("candles", "storekeeper"):
        system.start(service)
    for instance in (0, 1):
        started(system, instance, 2)
    stored_beyond(system, time.time_ns() // 1_000_000 + 3_000)
    assert [followed(system, f"trades-{at}") for at in (0, 1)] == shares[2]
    for ids in published(broker, system.markets).values():
        assert set(ids.values()) == {1}  # nobody publishes what another does
        assert len(ids) == max(ids) - min(ids) + 1

    started(system, 2, 3)  # it follows its markets while those that had them go on
    system.wait_for("the third", lambda: followed(system, "trades-2") == shares[3][2])
    assert system.stop("trades-0") == 0  # and now nobody has what is left of its share
    assert system.stop("trades-1") == 0
    for instance in (0, 1):
        started(system, instance, 3)
    stored_beyond(system, time.time_ns() // 1_000_000 + 3_000)
    assert followed(system, "trades-2") == shares[3][2]

    doubled = set()
    for market, ids in published(broker, system.markets).items():
        assert len(ids) == max(ids) - min(ids) + 1
        doubled |= {market} if max(ids.values()) > 1 else set()
    assert doubled == shares[3][2]  # by those that had them, while they did
    until_ms = time.time_ns() // 1_000_000 - 3_000
    for market in system.markets:
        system.assert_equal_to_the_ledger(market, until_ms)
    with system.store() as store:
        gaps = [gap for market in system.markets for gap in store.gaps(market, 0, FAR_MS)]
    assert [gap for gap in gaps if gap.state != "repaired"] == []
