"""Recordings of two venues that one clock made, put together in the order of their receipt."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import pytest

from candles.stage import candles_stage
from marketstream.messages import Candle
from marketstream.readers import read_trades
from marketstream.runners.in_process import InProcessRunner
from marketstream.topics import CANDLES
from realtime_training.recorded_feed import feed_together
from trades.settings import TradesSettings

SPOT, PERPETUAL = "binance:BTC/USDT", "binance-usdm:BTC/USDT:USDT"

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def files(market_data: Path) -> dict[str, Sequence[Path]]:
    trades = market_data / "trades"
    return {
        SPOT: [trades / f"binance-spot-BTCUSDT-2024080{day}.frames.gz" for day in (8, 9)],
        PERPETUAL: [trades / "binance-usdm-BTCUSDT-20240808.frames.gz"],
    }


def candles_of(files: dict[str, Sequence[Path]], frames_per_read: int = 64) -> list[Candle]:
    """The candles of 1 s as they closed, without later revisions."""
    runner = InProcessRunner([candles_stage(["250ms", "1s"], leaps=True)])
    candles: list[Candle] = []

    def keep(candle: Candle, _received_ns: int) -> None:
        if candle.timeframe == "1s" and candle.revision == 0:
            candles.append(candle)

    runner.tap(CANDLES, keep)
    counts = feed_together(
        files, "250ms", TradesSettings(), runner, frames_per_read=frames_per_read
    )
    assert all(count.missing == count.dead_letters == 0 for count in counts.values())
    return candles


@pytest.fixture(scope="module")
def together(files: dict[str, Sequence[Path]]) -> list[Candle]:
    return candles_of(files)


@pytest.mark.parametrize("market", [SPOT, PERPETUAL])
def test_candles_are_those_of_each_recording_alone(
    together: list[Candle], files: dict[str, Sequence[Path]], market: str
) -> None:
    mine = [candle for candle in together if candle.market == market]
    assert mine == candles_of({market: files[market]}, frames_per_read=7)
    trades = read_trades(files[market], symbol=market.partition(":")[2])
    closed = int(trades.count[trades.time_us < mine[-1].close_time_ms * 1_000].sum())
    assert sum(candle.trade_count for candle in mine) == closed


def test_candles_of_both_close_side_by_side_while_both_were_recorded(
    together: list[Candle],
) -> None:
    ends = [max(c.close_time_ms for c in together if c.market == m) for m in (SPOT, PERPETUAL)]
    closes = [c.close_time_ms for c in together if c.close_time_ms <= min(ends)]
    newest = list(accumulate(closes, max))
    assert max(ahead - close for ahead, close in zip(newest, closes, strict=True)) <= 1_000
    assert len(closes) > 680
