"""The running system, in one process and on Kafka, loses no trade when connections are cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from candles.aggregation import CandleAggregator
from exchange_simulator import SeededMarket
from exchange_simulator.market.messages import trades_messages
from marketstream.messages import Candle
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.runners.kafka.tail import read_tail
from marketstream.store.sql import open_store
from marketstream.testing import running_command, running_kafka
from marketstream.topics import TRADES
from realtime_bench.services import Services

from .flaky import FlakyExchange, serving_in_a_thread

MARKET = "binance:BTC/USDT"
RATE = 50.0
CUTS = 3
REPAIRED = f'realtime_trades_repaired_total{{market="{MARKET}"}}'
UNREPAIRED = f'realtime_gaps_unrepaired_total{{market="{MARKET}"}}'


def tape() -> SeededMarket:
    return SeededMarket("BTC/USDT", 1, trades_per_second=RATE)


def cut_now_and_then(
    exchange: FlakyExchange,
    wait_for: Callable[[str, Callable[[], bool]], None],
    repaired: Callable[[], float],
    folder: Path,
) -> None:
    """Cut the connection, see that what it missed is fetched, and again; then drop a few trades."""
    for _ in range(CUTS):
        before = repaired()
        exchange.cut()
        wait_for("repair", lambda: repaired() > before)  # noqa: B023
    exchange.drop_every = 20
    wait_for("repaired candle", lambda: any(candle.filled for candle in candles_of(folder)))
    exchange.drop_every = 0
    until_ms = exchange.exchange.market_time_us // 1_000
    wait_for("candles", lambda: candles_of(folder)[-1].open_time_ms > until_ms)


def candles_of(folder: Path) -> list[Candle]:
    store = open_store(f"sqlite:///{folder / 'state' / 'realtime.sqlite'}")
    try:
        return store.candles(MARKET, "1s", 0, 2**62)
    finally:
        store.close()


def assert_equal_to_the_ledger(candles: list[Candle]) -> None:
    """Each candle follows on the one before, is complete, and is the exchange's own."""
    while candles[-1].complete is None:  # not proven yet
        candles.pop()
    assert all(one.close_time_ms == two.open_time_ms for one, two in pairwise(candles))
    assert [candle.open_time_ms for candle in candles[1:] if not candle.complete] == []
    from_us, to_us = candles[0].open_time_ms * 1_000, candles[-1].close_time_ms * 1_000
    aggregator = CandleAggregator(MARKET, ["1s"])
    messages = trades_messages(tape(), MARKET, from_us, to_us)
    ledger = [candle for message in messages for candle in aggregator.update(message)]
    assert [what_traded(c) for c in candles[1:]] == [what_traded(c) for c in ledger[1:]]


def what_traded(candle: Candle) -> tuple[object, ...]:
    return (
        candle.open_time_ms, candle.open, candle.high, candle.low, candle.close, candle.volume,
        candle.quote_volume, candle.trade_count, candle.taker_buy_volume,
        candle.taker_buy_quote_volume, candle.first_trade_id, candle.last_trade_id,
    )  # fmt: skip


def test_in_one_process_no_trade_is_lost(tmp_path: Path) -> None:
    with serving_in_a_thread([tape()]) as exchange:
        urls = {"EXCHANGE_WS_URL": exchange.ws_url, "EXCHANGE_REST_URL": exchange.rest_url}
        arguments = ("--exchange", "binance", "--symbol", "BTC/USDT")
        with running_command(tmp_path, *arguments, **urls) as live:
            live.wait_for("the past", lambda: "Past published" in live.log.read_text())
            cut_now_and_then(exchange, live.wait_for, lambda: live.metric(REPAIRED), tmp_path)
            assert live.metric(UNREPAIRED) == 0
            assert live.get("/health")[1]["markets"][MARKET]["missing_trades"] == 0
            assert live.stop()[0] == 0
    assert exchange.connections == 1 + CUTS
    assert_equal_to_the_ledger(candles_of(tmp_path))


@pytest.mark.kafka
@pytest.mark.timeout(240)
def test_on_kafka_no_trade_is_lost_and_none_published_twice(tmp_path: Path) -> None:
    with (
        serving_in_a_thread([tape()]) as exchange,
        running_kafka(tmp_path / "kafka") as broker,
    ):
        urls = {"EXCHANGE_WS_URL": exchange.ws_url, "EXCHANGE_REST_URL": exchange.rest_url}
        configs = {"trades": {"history_minutes": 1}}
        services = Services(tmp_path, broker, ["BTC/USDT"], RATE, configs, urls)
        try:
            services.start("trades")
            services.start("candles")
            services.start("storekeeper")
            received = f'realtime_trades_total{{market="{MARKET}"}}'
            services.wait_for("past", lambda: "Past published" in services.log("trades"))
            started = services.metric(received, "trades")
            services.wait_for("trades", lambda: services.metric(received, "trades") > started)
            cut_now_and_then(
                exchange, services.wait_for, lambda: services.metric(REPAIRED, "trades"), tmp_path
            )
            assert services.metric(UNREPAIRED, "trades") == 0
            assert services.stop("trades") == 0
            assert services.stop("candles") == 0
            assert services.stop("storekeeper") == 0
        finally:
            services.close()
        tail = read_tail(KafkaSettings(broker=broker), TRADES, [MARKET], lambda _: False)[MARKET]
    assert_equal_to_the_ledger(candles_of(tmp_path))
    times = Counter(trade.id for message in tail for trade in message.trades)
    assert len(times) == max(times) - min(times) + 1
    twice = [number for number, count in times.items() if count > 1]
    assert max(twice, default=0) < min(times) + 60 * RATE * 1.5  # where past and live ones meet
