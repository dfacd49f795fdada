"""The parity auditor beside a real exchange's klines: the simulator's, over HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from candles.aggregation import CandleAggregator
from exchange_simulator import SeededMarket
from exchange_simulator.market.messages import trades_messages
from exchange_simulator.server import start
from exchanges.sources import Place, sources_of
from marketstream.fakes import FakePorts
from marketstream.messages import Audit, Candle
from marketstream.store.sql import open_store
from storekeeper.auditor import Auditor
from storekeeper.parity import ParityCount

MARKET = "simulator:BTC/USDT"
MARKET_SECONDS = 120


def candles_until_now(market: SeededMarket) -> list[Candle]:
    now_us = int(time.time()) * 1_000_000
    aggregator = CandleAggregator(MARKET, ["1s", "1m"])
    messages = trades_messages(market, MARKET, now_us - MARKET_SECONDS * 1_000_000, now_us)
    candles = [candle for message in messages for candle in aggregator.update(message)]
    newest = list({c.identity: replace(c, revision=0) for c in candles}.values())
    while newest[-1].complete is None:  # not proven yet
        newest.pop()
    return newest


@dataclass
class Audited:
    """What was found, the metrics that say so, and the candles that were called wrong."""

    parity: ParityCount
    metrics: str
    suspects: list[Candle]
    told: list[Audit]


async def audited(
    folder: Path, candles: Sequence[Candle | Audit], revised: Callable[[], list[Candle]] = list
) -> Audited:
    """Audit candles twice; what `revised` returns is stored in between, as those who made it do."""
    exchange = await start([SeededMarket("BTC/USDT", 1)], port=0)
    store = open_store(f"sqlite:///{folder}/realtime.sqlite")
    ports = FakePorts(folder, store)
    try:
        store.write(candles)
        (source,) = sources_of([MARKET], Place("binance", None, exchange.rest_url))
        suspects: list[Candle] = []
        auditor = Auditor(source, ["1s"], ports, suspects.append)
        async with source.client() as client:
            await auditor.audit(client)
            store.write(revised())
            await auditor.audit(client)
        told = [message for message, _ in ports.published if isinstance(message, Audit)]
        assert len(told) == len(ports.published)
        return Audited(auditor.parities[MARKET], ports.metrics.render().decode(), suspects, told)
    finally:
        store.close()
        await exchange.close()


def seconds() -> list[Candle]:
    return [c for c in candles_until_now(SeededMarket("BTC/USDT", 1)) if c.timeframe == "1s"]


def without_a_trade(candle: Candle) -> Candle:
    count = candle.trade_count - 1
    return replace(candle, trade_count=count, expected_count=count, volume=1e-5)


def test_candles_equal_to_the_exchange_s_are_counted_as_equal(tmp_path: Path) -> None:
    candles = seconds()
    found = asyncio.run(audited(tmp_path, candles))
    parity = found.parity
    assert parity.compared > MARKET_SECONDS - 10
    assert (parity.rate, parity.differing, list(parity.differences)) == (1.0, 0, [])
    assert parity.incomplete == 1  # the first, which began before watching
    assert found.suspects == []
    (told,) = found.told
    assert (told.compared, told.equal, told.incomplete) == (parity.compared, parity.compared, 1)
    assert told.from_ms == candles[0].open_time_ms
    assert (told.to_ms - told.from_ms) // 1_000 == told.compared + told.incomplete
    assert f'realtime_parity_ratio{{market="{MARKET}"}} 1.0' in found.metrics
    compared = f'realtime_parity_compared_total{{market="{MARKET}"}} {parity.compared}.0'
    assert compared in found.metrics
    assert f'realtime_parity_differences_total{{market="{MARKET}"}} 0.0' in found.metrics


def test_a_candle_that_differs_is_named_and_called_wrong_once(tmp_path: Path) -> None:
    candles = seconds()
    whole = next(c for c in candles[20:] if c.trade_count > 1)
    at = candles.index(whole)
    candles[at] = without_a_trade(whole)
    found = asyncio.run(audited(tmp_path, candles))
    parity = found.parity
    assert parity.equal == parity.compared - 1
    assert {(one.open_time_ms, one.field) for one in parity.differences} == {
        (whole.open_time_ms, "trade_count"), (whole.open_time_ms, "volume"),
    }  # fmt: skip
    assert found.suspects == [candles[at]]
    assert f'realtime_parity_differences_total{{market="{MARKET}"}} 2.0' in found.metrics


def test_a_candle_with_more_trades_than_the_exchange_has_is_called_wrong(tmp_path: Path) -> None:
    candles = seconds()
    candles[40] = replace(candles[40], trade_count=candles[40].trade_count + 2, complete=True)
    found = asyncio.run(audited(tmp_path, candles))
    assert found.suspects == [candles[40]]


def test_after_a_restart_the_newest_candles_are_compared_again(tmp_path: Path) -> None:
    """What had been found wrong may not have been mended yet."""
    candles = seconds()
    whole = next(c for c in candles[20:60] if c.trade_count > 1)
    candles[candles.index(whole)] = without_a_trade(whole)
    before = Audit(MARKET, "1s", candles[0].open_time_ms, candles[-1].open_time_ms, 100, 99, 1)
    found = asyncio.run(audited(tmp_path, [*candles, before]))
    assert [one.open_time_ms for one in found.suspects] == [whole.open_time_ms]


def test_a_candle_that_becomes_complete_after_its_round_is_compared_too(tmp_path: Path) -> None:
    candles = seconds()
    at = next(n for n, one in enumerate(candles) if n > 20 and one.trade_count > 1)
    wrong = replace(without_a_trade(candles[at]), revision=1, filled=True)
    right = replace(candles[at + 1], revision=1, filled=True)
    for number in (at, at + 1, at + 2):
        candles[number] = replace(candles[number], complete=False)
    found = asyncio.run(audited(tmp_path, candles, lambda: [wrong, right]))
    assert found.suspects == [wrong]
    assert [one.compared for one in found.told[1:]] == [2]
    assert found.parity.incomplete == 4  # each once: the first, and these
