"""The parity auditor beside a real exchange's klines: the simulator's, over HTTP."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from msgspec.structs import replace

from candles.aggregation import CandleAggregator
from exchange_simulator import SeededMarket
from exchange_simulator.messages import trades_messages
from exchange_simulator.server import start
from marketstream.messages import Candle
from marketstream.store.sql import open_store
from marketstream.store.writer import StoreWriter
from realtime_training.auditor import Auditor
from trades.rest import RestClient

MARKET = "simulator:BTC/USDT"
MARKET_SECONDS = 120


def candles_until_now(market: SeededMarket) -> list[Candle]:
    now_us = int(time.time()) * 1_000_000
    aggregator = CandleAggregator(MARKET, ["1s", "1m"])
    messages = trades_messages(market, MARKET, now_us - MARKET_SECONDS * 1_000_000, now_us)
    return [candle for message in messages for candle in aggregator.update(message)]


async def audited(folder: Path, candles: list[Candle]) -> tuple[Auditor, list[Candle]]:
    """Return the auditor after a round, and the candles as it left them."""
    exchange = await start([SeededMarket("BTC/USDT", 1)], port=0)
    store = open_store(f"sqlite:///{folder}/realtime.sqlite")
    writer = StoreWriter(store)
    try:
        store.write(candles)
        auditor = Auditor(store, writer, exchange.rest_url, [MARKET], ["250ms", "1s"])
        async with RestClient(exchange.rest_url) as client:
            await auditor.audit(client)
        await asyncio.to_thread(writer.close)
        return auditor, store.candles(MARKET, "1s", 0, 2**62)
    finally:
        store.close()
        await exchange.close()


def test_candles_equal_to_the_exchange_s_are_counted_as_equal(tmp_path: Path) -> None:
    candles = [c for c in candles_until_now(SeededMarket("BTC/USDT", 1)) if c.timeframe == "1s"]
    auditor, kept = asyncio.run(audited(tmp_path, candles))
    parity = auditor.parities[MARKET]
    assert parity.compared > MARKET_SECONDS - 10
    assert (parity.rate, parity.differing, list(parity.differences)) == (1.0, 0, [])
    assert parity.incomplete == 1  # the first, which began before watching
    assert kept == candles


def test_a_candle_that_lacks_trades_is_named_and_marked_for_repair(tmp_path: Path) -> None:
    candles = [c for c in candles_until_now(SeededMarket("BTC/USDT", 1)) if c.timeframe == "1s"]
    whole = next(c for c in candles[20:] if c.trade_count > 1)
    at = candles.index(whole)
    count = whole.trade_count - 1
    candles[at] = replace(whole, trade_count=count, expected_count=count, volume=1e-5)
    auditor, kept = asyncio.run(audited(tmp_path, candles))
    parity = auditor.parities[MARKET]
    assert parity.equal == parity.compared - 1
    assert {(one.open_time_ms, one.field) for one in parity.differences} == {
        (whole.open_time_ms, "trade_count"), (whole.open_time_ms, "volume"),
    }  # fmt: skip
    assert kept[at] == replace(
        candles[at], complete=False, expected_count=whole.trade_count, revision=1
    )
    assert kept[:at] + kept[at + 1 :] == candles[:at] + candles[at + 1 :]
