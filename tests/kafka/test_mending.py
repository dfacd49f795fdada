"""On Kafka the storekeeper mends candles of a repaired gap, also where it is killed meanwhile."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from candles.aggregation import CandleAggregator
from exchange_simulator import SeededMarket
from exchange_simulator.market.messages import trades_messages
from marketstream.messages import Candle, Gap, Message
from marketstream.metrics import Metrics
from marketstream.runners.kafka.publisher import KafkaPublisher
from marketstream.runners.kafka.settings import KafkaSettings

from .system import MakeSystem, System, what_traded

pytestmark = pytest.mark.kafka

SYMBOL, MARKET, RATE = "BTC/USDT", "binance:BTC/USDT", 50.0
SECOND_US = 1_000_000
CONFIGS = {"storekeeper": {"audit_every_s": 3_600, "mend_grace_s": 0}}  # so nobody walks the past


def publish(broker: str, *messages: Message) -> None:
    with KafkaPublisher(KafkaSettings(broker=broker), Metrics(CollectorRegistry())) as publisher:
        for message in messages:
            publisher.publish(message)


def true_candles(from_us: int, to_us: int) -> list[Candle]:
    """Return the exchange's own, each once, as they are when all is proven."""
    tape = SeededMarket(SYMBOL, 1, trades_per_second=RATE)
    aggregator = CandleAggregator(MARKET, ["250ms", "1s"])
    messages = trades_messages(tape, MARKET, from_us, to_us)
    made = (candle for message in messages for candle in aggregator.update(message))
    newest = {candle.identity: candle for candle in made}
    return [candle for candle in newest.values() if candle.complete]


def lacking(candle: Candle) -> Candle:
    """Return a candle as it is where its last five trades have not come."""
    assert candle.last_trade_id is not None
    return replace(
        candle, trade_count=candle.trade_count - 5, last_trade_id=candle.last_trade_id - 5,
        volume=candle.volume / 2, complete=False, expected_count=candle.trade_count,
    )  # fmt: skip


def repaired(candle: Candle) -> Gap:
    """Return what is said of the five trades once they have come."""
    assert candle.last_trade_id is not None
    end_id, close_us = candle.last_trade_id + 1, candle.close_time_ms * 1_000
    return Gap(MARKET, end_id - 5, end_id, close_us - SECOND_US // 2, close_us - 1, "repaired")


def wait_until_stored(system: System, wanted: Sequence[Candle]) -> None:
    def stored() -> bool:
        found = {candle.open_time_ms: candle for candle in system.candles(MARKET)}
        return all(
            one.open_time_ms in found
            and what_traded(found[one.open_time_ms]) == what_traded(one)
            and found[one.open_time_ms].complete == one.complete
            for one in wanted
        )

    system.wait_for("candles", stored)


@pytest.mark.timeout(240)
def test_candles_of_a_repaired_gap_are_mended_whenever_the_storekeeper_is_killed(
    make_system: MakeSystem, broker: str
) -> None:
    now_us = time.time_ns() // 1_000 // SECOND_US * SECOND_US
    made = true_candles(now_us - 120 * SECOND_US, now_us)  # a start looks at the newest minute
    true = [candle for candle in made if candle.timeframe == "1s"]
    first, second, third = true[10], true[20], true[30]
    system = make_system([SYMBOL], RATE, CONFIGS)
    system.start("storekeeper")
    stored = [lacking(one) if one in (first, second, third) else one for one in true]
    publish(broker, *stored, *(candle for candle in made if candle.timeframe == "250ms"))
    wait_until_stored(system, stored)

    publish(broker, repaired(first))
    wait_until_stored(system, [first, lacking(second), lacking(third)])

    system.kill("storekeeper")
    publish(broker, repaired(second))  # while nobody is there
    system.start("storekeeper")
    wait_until_stored(system, [first, second, lacking(third)])

    publish(broker, repaired(third))
    system.kill("storekeeper")  # before it has mended what it may have stored
    system.start("storekeeper")
    wait_until_stored(system, true)
    assert system.stop("storekeeper") == 0
