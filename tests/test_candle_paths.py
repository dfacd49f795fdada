"""One recording, every way through: the twelve fields come out byte for byte the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from candles.aggregation import CandleAggregator
from candles.klines import KLINE_COLUMNS, kline_arrays
from exchanges.catalogue import venue_named
from marketstream.messages import Candle, Gap, Stall, Trades
from marketstream.recordings import read_frames
from realtime_training.commands.candles.work import make_candles
from trades.replay import replay_frames
from trades.session.market import MarketSession
from trades.session.rules import Rules

MARKET = "binance:BTC/USDT"
TIMEFRAMES = ["250ms", "1s", "1m"]


def as_csv(rows: Iterable[tuple[object, ...]]) -> bytes:
    return b"".join(",".join(map(repr, row)).encode() + b"\n" for row in rows)


def by_columns(files: list[Path], timeframe: str) -> bytes:
    """All but the first and the last candle: what comes before and after is not in the files."""
    columns = kline_arrays(make_candles(files, timeframe, symbol="BTC/USDT").candles)
    rows = zip(*(columns[name].tolist() for name in KLINE_COLUMNS), strict=True)
    return as_csv(list(rows)[1:-1])


def by_messages(messages: Iterable[Trades], timeframe: str, most: int) -> bytes:
    aggregator = CandleAggregator(MARKET, TIMEFRAMES)
    newest: dict[int, Candle] = {}
    for message in messages:
        for candle in aggregator.update(message):
            if candle.timeframe == timeframe:
                newest[candle.open_time_ms] = candle
    return as_csv(
        (
            c.open_time_ms, c.open, c.high, c.low, c.close, c.volume, c.close_time_ms - 1,
            c.quote_volume, c.trade_count, c.taker_buy_volume, c.taker_buy_quote_volume, 0,
        )
        for c in sorted(newest.values(), key=lambda c: c.open_time_ms)[1:most]
    )  # fmt: skip


def as_received(files: list[Path], frames_per_read: int) -> list[Trades]:
    """Return what the trades service makes of the frames when so many come with a read."""
    messages: list[Trades | Gap | Stall] = []
    session = MarketSession(
        MARKET,
        lambda message, _: messages.append(message),
        Rules(price_decimals=2, quantity_decimals=5),
    )
    replay_frames(
        read_frames(files),
        venue_named("binance").stream(["BTC/USDT"], "binance"),
        {MARKET: session},
        lambda letter: pytest.fail(letter.reason),
        frames_per_read=frames_per_read,
    )
    return [message for message in messages if isinstance(message, Trades)]


def regrouped(messages: list[Trades], size: int, random: Random | None) -> Iterator[Trades]:
    """Yield the trades in messages of `size`, perhaps each in disorder."""
    trades = [trade for message in messages for trade in message.trades]
    for start in range(0, len(trades), size):
        part = trades[start : start + size]
        seen_us = max(trade.time_us for trade in part)
        if random is not None:
            random.shuffle(part)
        yield replace(messages[0], trades=tuple(part), quote=None, seen_until_us=seen_us)


@pytest.fixture(scope="module")
def files(market_data: Path) -> list[Path]:
    return sorted((market_data / "trades").glob("binance-spot-BTCUSDT-2024080?.frames.gz"))


@pytest.mark.data
@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_columns_and_every_batching_of_the_stream_give_the_same_bytes(
    files: list[Path], timeframe: str
) -> None:
    expected = by_columns(files, timeframe)
    rows = expected.count(b"\n")
    assert rows >= 10
    received = {frames: as_received(files, frames) for frames in (1, 64, 5_000)}
    ways: dict[str, Iterable[Trades]] = {
        **{f"{frames} frames a read": messages for frames, messages in received.items()},
        **{f"{size} trades a message": regrouped(received[64], size, None) for size in (1, 777)},
        "in disorder": regrouped(received[64], 100, Random(1)),
        "all at once, in disorder": regrouped(received[64], 10**9, Random(2)),
    }
    for way, messages in ways.items():
        assert by_messages(messages, timeframe, rows + 1) == expected, way
