"""What venues tell of perpetuals is followed live, and stands in candles as it was told."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path

import pytest

from candles.aggregation import CandleAggregator
from candles.stage import candles_stage
from exchange_simulator import SeededMarket, start
from exchange_simulator.market.context import liquidations, told_at
from exchanges.catalogue import venues
from exchanges.settings import HostSettings
from exchanges.sources import Source
from marketstream.fakes import FakePorts
from marketstream.messages import Candle, Context, DeadLetter, Trades
from marketstream.plan import Plan
from marketstream.runners.in_process import InProcessRunner
from marketstream.topics import CANDLES
from realtime_training.commands.record.work import Recorder
from realtime_training.recorded_feed import feed_recording
from trades.build import build
from trades.settings import TradesSettings

SYMBOL = "BTC/USDT:USDT"
TELLING = tuple(name for name, venue in venues().items() if venue.context is not None)
LOT = 8  # decimals that a lot has at most
PATIENCE_S = 60


class Ports(FakePorts):
    """Ports by real time."""

    def clock(self) -> int:
        return time.time_ns()


def test_perpetuals_are_told_of_and_spot_markets_are_not() -> None:
    assert set(TELLING) == {"binance-usdm", "bybit-linear", "okx-swap"}


@pytest.mark.parametrize("venue", TELLING)
def test_what_every_venue_tells_is_what_the_market_is(venue: str, tmp_path: Path) -> None:
    tape = SeededMarket(SYMBOL, 7, trades_per_second=40.0)
    messages = asyncio.run(followed(venue, tape, tmp_path))
    told = said(messages)
    lots = 10**tape.quantity_decimals
    for one in told:
        for part in (one.mark, one.index, one.open_interest, one.funding):
            assert part is None or part.time_us <= one.time_us
        if one.mark is not None:
            true = told_at(tape, one.mark.time_us)
            assert true is not None
            assert one.mark.value == pytest.approx(true.mark, abs=10**-tape.price_decimals)
        if one.index is not None:
            true = told_at(tape, one.index.time_us)
            assert true is not None
            assert one.index.value == pytest.approx(true.spot, abs=10**-tape.price_decimals)
        if one.funding is not None:
            true = told_at(tape, one.funding.time_us)
            assert true is not None
            assert one.funding.rate == pytest.approx(true.rate, abs=1e-6)
            assert one.funding.next_us == true.next_funding_us
        if one.open_interest is not None:
            true = told_at(tape, one.open_interest.time_us)
            assert true is not None
            assert one.open_interest.value == pytest.approx(true.open_lots / lots, rel=1e-12)
    sums = told[-1].liquidations
    assert sums is not None
    true_sums = [
        one
        for one in liquidations(tape, sums.since_us, sums.time_us + 1)
        if one.time_us >= sums.since_us
    ]
    assert round(sums.bought, LOT) == round(sum(x.lots for x in true_sums if x.buys) / lots, LOT)
    assert round(sums.sold, LOT) == round(sum(x.lots for x in true_sums if not x.buys) / lots, LOT)
    shown = [candle.context for candle in candles_of(messages) if candle.context is not None]
    assert shown
    assert all(context in told for context in shown)


@pytest.mark.parametrize("venue", TELLING)
def test_it_is_recorded_and_read_again(venue: str, tmp_path: Path) -> None:
    async def recorded() -> None:
        sources, exchanges = [], []
        for name, symbol in ((venue, SYMBOL), ("okx", "BTC/USDT")):
            tapes = [SeededMarket(symbol, 7, trades_per_second=40.0)]
            exchange = await start(tapes, venue=name, linger_s=0.0)
            urls = exchange.ws_url, exchange.rest_url
            sources.append(Source(name, venues()[name], *urls, (symbol,)))
            exchanges.append(exchange)
        recorder = Recorder(sources, tmp_path, every_s=3_600, levels=0, context=True)
        await recorder.run_for(5.0)
        for exchange in exchanges:
            await exchange.close()
        for counts in recorder.summary():
            assert (counts["dead_letters"], counts["missing"], counts["files"]) == (0, 0, 1)

    asyncio.run(recorded())
    files = list(tmp_path.glob(f"{venue}-2*.frames.gz"))
    for context in (True, False):
        read: list[Candle] = []
        runner = InProcessRunner([candles_stage(["1s"], leaps=True)])
        runner.tap(CANDLES, partial(_note, read))
        settings = TradesSettings(exchange=venue, context=context)
        counts = feed_recording(files, f"{venue}:{SYMBOL}", "1s", settings, runner)
        assert counts.dead_letters == 0
        told = [candle.context for candle in read if candle.context is not None]
        assert bool(told) is context
        if context:
            assert all(getattr(told[-1], name) is not None for name in Context.__struct_fields__)


def _note(read: list[Candle], candle: Candle, received_ns: int) -> None:
    del received_ns
    read.append(candle)


def candles_of(messages: list[Trades]) -> list[Candle]:
    """Return the candles that are made of messages; none was told of what came after its close."""
    aggregator = CandleAggregator(messages[0].market, ["250ms"])
    candles = [candle for message in messages for candle in aggregator.update(message)]
    for candle in candles:
        assert candle.context is None or candle.context.time_us < candle.close_time_ms * 1_000
    return candles


async def followed(venue: str, tape: SeededMarket, folder: Path) -> list[Trades]:
    """Follow a market until all parts were told, and ten times in all."""
    exchange = await start([tape], venue=venue, linger_s=0.0)
    host = HostSettings(venue=venue, ws_url=exchange.ws_url, rest_url=exchange.rest_url)
    settings = TradesSettings(hosts={"simulator": host}, history_minutes=0, context=True)
    ports = Ports(folder)
    plan = Plan((f"simulator:{tape.symbol}",), "1s", (1,))
    part = build(plan, settings, ports)
    assert part.work is not None
    working = asyncio.create_task(part.work())
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not enough(said(heard(ports))):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    finally:
        working.cancel()
        await asyncio.wait([working])
        await exchange.close()
    assert not [one for one, _ in ports.published if isinstance(one, DeadLetter)]
    return heard(ports)


def enough(told: list[Context]) -> bool:
    return len(told) >= 10 and all(
        getattr(told[-1], name) is not None for name in Context.__struct_fields__
    )


def heard(ports: Ports) -> list[Trades]:
    """Return the messages that were published."""
    return [one for one, _ in ports.published if isinstance(one, Trades)]


def said(messages: list[Trades]) -> list[Context]:
    """Return what was told."""
    return [one.context for one in messages if one.context is not None]
