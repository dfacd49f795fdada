"""From where a start asks the exchange for what follows on what is stored."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from candles.aggregation import CandleAggregator
from candles.stage import candles_stage
from exchange_simulator import SeededMarket, start
from exchange_simulator.market.messages import trades_messages
from exchanges.sources import Place, sources_of
from marketstream.messages import Candle, Features, Gap
from marketstream.metrics import Metrics
from marketstream.plan import Plan
from marketstream.runners.embedded import InProcessPorts
from marketstream.store.sql import open_store
from marketstream.symbols import split_market
from marketstream.topics import FEATURES
from realtime_training.recall import (
    asked_from_us,
    last_trade_id,
    recall_candles,
    recalled_from_ms,
)
from technical_indicators.build import feature_set_of
from technical_indicators.feature_set import FeatureSettings
from technical_indicators.stage import technical_indicators_stage

FROM_US = 1_700_000_000_000_000


def candles_of() -> list[Candle]:
    aggregator = CandleAggregator("simulator:BTC/USDT", ["250ms"])
    tape = SeededMarket("BTC/USDT", 3)
    messages = trades_messages(tape, "simulator:BTC/USDT", FROM_US, FROM_US + 5_000_000)
    return [candle for message in messages for candle in aggregator.update(message)]


def test_what_follows_is_asked_for_since_the_candle_of_the_last_trade_began() -> None:
    candles = candles_of()
    assert asked_from_us(candles) == candles[-1].open_time_ms * 1_000


def test_candles_without_trades_do_not_say_that_nothing_traded() -> None:
    candles = candles_of()
    flat = [replace(candle, trade_count=0, last_trade_id=None) for candle in candles[-3:]]
    assert asked_from_us([*candles[:-3], *flat]) == candles[-4].open_time_ms * 1_000
    assert last_trade_id([*candles[:-3], *flat]) == candles[-4].last_trade_id


def test_where_nothing_traded_all_is_asked_for_after_the_candles() -> None:
    flat = [replace(candle, trade_count=0, last_trade_id=None) for candle in candles_of()]
    assert asked_from_us(flat) == flat[-1].close_time_ms * 1_000 - 1


@pytest.mark.parametrize("clock_us", [FROM_US + 30_000_000, FROM_US - 280_000_000])
def test_markets_that_look_at_each_other_are_recalled_together_whatever_our_clock_says(
    tmp_path: Path, clock_us: int
) -> None:
    markets = ("kraken:BTC/USD", "binance-usdm:BTC/USDT:USDT")
    plan = Plan(markets, "1s", (1,), groups={"bitcoin": markets})
    feature_set = feature_set_of(plan, FeatureSettings(indicators=["leader_basis"]))
    store = open_store(f"sqlite:///{tmp_path / 'candles.sqlite'}")
    for market in markets:
        aggregator = CandleAggregator(market, plan.candle_timeframes)
        tape = SeededMarket(split_market(market)[1], 3)
        messages = trades_messages(tape, market, FROM_US, FROM_US + 20_000_000)
        store.write([candle for message in messages for candle in aggregator.update(message)])
    ports = InProcessPorts(Metrics(CollectorRegistry()), lambda: clock_us * 1_000, tmp_path, store)
    ports.runner.add(candles_stage(plan.candle_timeframes))
    ports.runner.add(technical_indicators_stage(feature_set, plan))
    vectors: list[Features] = []
    ports.runner.tap(FEATURES, lambda features, _ns: vectors.append(features))
    known = asyncio.run(recall_candles(plan, ports, markets, FROM_US // 1_000))
    ports.close()
    store.close()
    assert known.keys() == set(markets)
    basis = [vector.values["leader_basis"] for vector in vectors if vector.values]
    assert len(basis) == 40
    assert None not in basis


@pytest.mark.parametrize(
    ("seam_us", "goes_on", "epoch"),
    [(None, True, 0), (2_000_000, True, 1), (4_900_000, False, 1), (6_000_000, False, 1)],
    ids=["never begun again", "long ago", "in the last candle", "after all that is stored"],
)
def test_an_id_of_before_a_numbering_is_none_to_go_on_from(
    tmp_path: Path, seam_us: int | None, epoch: int, *, goes_on: bool
) -> None:
    market = "simulator:BTC/USDT"
    plan = Plan((market,), "250ms", (1,))
    candles = candles_of()
    with closing(open_store(f"sqlite:///{tmp_path / 'candles.sqlite'}")) as store:
        store.write(candles)
        if seam_us is not None:
            at_us = FROM_US + seam_us
            store.write([Gap(market, 7, 7, at_us - 100_000, at_us, "lost", "again", 0)])
        ports = InProcessPorts(
            Metrics(CollectorRegistry()), lambda: FROM_US * 1_000, tmp_path, store
        )
        ports.runner.add(candles_stage(plan.candle_timeframes))
        known = asyncio.run(recall_candles(plan, ports, plan.markets, FROM_US // 1_000))[market]
        ports.close()
    assert (known.last_id, known.epoch) == (candles[-1].last_trade_id if goes_on else None, epoch)
    assert known.time_us == candles[-1].open_time_ms * 1_000


HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("ahead_ms", "answers", "counts_ms"),
    [
        pytest.param(0, True, 0, id="our clock is right"),
        pytest.param(HOUR_MS // 2, True, HOUR_MS // 2, id="ahead, and what is stored is of use"),
        pytest.param(3 * HOUR_MS, True, 0, id="far ahead, as the exchange says"),
        pytest.param(3 * HOUR_MS, False, 3 * HOUR_MS, id="far ahead, and nobody says so"),
    ],
)
def test_a_clock_that_is_far_ahead_does_not_forget_what_is_stored(
    tmp_path: Path, ahead_ms: int, *, answers: bool, counts_ms: int
) -> None:
    now_ms = time.time_ns() // 1_000_000

    async def asked(ports: InProcessPorts) -> int:
        exchange = await start([SeededMarket("BTC/USDT", 3)], linger_s=0.0)
        place = Place("binance", exchange.ws_url, exchange.rest_url)
        sources = sources_of(["simulator:BTC/USDT"], place)
        if not answers:
            await exchange.close()
        found = await recalled_from_ms(ports, sources, HOUR_MS)
        if answers:
            await exchange.close()
        return found

    stored_us = (now_ms - 60_000) * 1_000 - FROM_US
    shift_us = stored_us - stored_us % 1_000_000
    shifted = [
        replace(
            candle,
            open_time_ms=candle.open_time_ms + shift_us // 1_000,
            close_time_ms=candle.close_time_ms + shift_us // 1_000,
        )
        for candle in candles_of()
    ]
    with closing(open_store(f"sqlite:///{tmp_path / 'candles.sqlite'}")) as store:
        store.write(shifted)
        clock_ns = (now_ms + ahead_ms) * 1_000_000
        ports = InProcessPorts(Metrics(CollectorRegistry()), lambda: clock_ns, tmp_path, store)
        found_ms = asyncio.run(asked(ports))
        ports.close()
    assert found_ms == pytest.approx(now_ms + counts_ms - HOUR_MS, abs=30_000)
