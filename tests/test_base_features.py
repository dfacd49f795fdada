"""Features of book and flow on real candles: streamed as in columns, restarted, with no future."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from candles.stage import candles_stage
from exchanges.binance import VENUE
from exchanges.book import Book
from exchanges.events import BookEvent, Event
from marketstream.columns import CandleColumns, FeatureTable
from marketstream.messages import Candle, Depth
from marketstream.recordings import read_frames
from marketstream.runners.in_process import InProcessRunner
from marketstream.topics import CANDLES
from realtime_training.recorded_feed import feed_recording
from technical_indicators.base_indicator import base_names
from technical_indicators.batch import feature_columns
from technical_indicators.feature_set import FeatureSet, FeatureSettings
from technical_indicators.operator import FeatureEngine
from trades.settings import TradesSettings

MARKET = "binance:BTC/USDT"
FILES = tuple(f"trades/binance-spot-BTCUSDT-2024080{day}.frames.gz" for day in (8, 9))
BASE, ROWS, LEVELS, KEEP = "100ms", 5_000, 10, 512
# Nothing is told of a perpetual in a recording of a spot market.
NAMES = tuple(name for name, family in base_names().items() if family != "derivatives")

pytestmark = pytest.mark.data


@cache
def recorded(folder: Path) -> tuple[Candle, ...]:
    """Return the last 5,000 closes of the recordings that trades lead up to, with their levels."""
    files = [folder / name for name in FILES]
    made: list[Candle] = []
    runner = InProcessRunner([candles_stage([BASE], leaps=True)])
    runner.tap(CANDLES, lambda candle, _received_ns: made.append(candle))
    feed_recording(files, MARKET, BASE, TradesSettings(exchange="binance"), runner)
    until_ms = max(candle.close_time_ms for candle in made if candle.trade_count)
    depths = depths_of(files)
    shown, ahead = None, next(depths, None)
    candles = []
    for candle in made:
        while ahead is not None and ahead.time_us < candle.close_time_ms * 1_000:
            shown, ahead = ahead, next(depths, None)
        if candle.close_time_ms <= until_ms and not candle.revision:
            candles.append(replace(candle, depth=shown))
    return tuple(candles[-ROWS:])


def depths_of(files: list[Path]) -> Iterator[Depth]:
    """Yield the best levels after each change of the recorded book."""
    stream = VENUE.stream(["BTC/USDT"], VENUE.name, levels=LEVELS)
    assert VENUE.book is not None
    book = Book("window")
    for _, frame in read_frames(files):
        if frame.startswith(b'{"lastUpdateId"'):
            event: Event | None = VENUE.book.parse_book(stream.markets[0], 200, frame)
        else:
            event = stream.parse(frame)
        if isinstance(event, BookEvent):
            book.update(event)
            bids, asks = book.levels(LEVELS)
            if bids and event.time_us is not None:
                yield Depth(bids, asks, event.time_us)


def settings() -> FeatureSettings:
    return FeatureSettings(indicators=list(NAMES), spans=["1s"])


def known(table: FeatureTable) -> dict[str, float]:
    return {name: float(np.isfinite(table.columns([name])).mean()) for name in table.names}


def test_they_stream_the_same_bits_as_in_columns_and_are_known(market_data: Path) -> None:
    candles = recorded(market_data)
    feature_set = FeatureSet(BASE, BASE, settings())
    engine = FeatureEngine(MARKET, feature_set, KEEP)
    live = FeatureTable.of([features for candle in candles for features in engine.update(candle)])
    columns = CandleColumns.of(candles, BASE)
    batch = feature_columns(columns, columns, feature_set)
    assert len(live) == ROWS
    np.testing.assert_array_equal(live.values, batch.values, strict=True)
    shares = known(batch)
    assert {name: share for name, share in shares.items() if name in NAMES and share < 0.6} == {}


@pytest.mark.parametrize("cut", [1, 700, 2_500, 4_999])
def test_a_restart_anywhere_changes_no_bit(cut: int, market_data: Path) -> None:
    candles = recorded(market_data)
    feature_set = FeatureSet(BASE, BASE, settings())
    columns = CandleColumns.of(candles, BASE)
    batch = feature_columns(columns, columns, feature_set)
    before, after = (FeatureEngine(MARKET, feature_set, KEEP) for _ in range(2))
    for candle in candles[:cut]:
        before.update(candle)
    after.restore(before.snapshot())
    live = FeatureTable.of([each for one in candles[cut:] for each in after.update(one)])
    np.testing.assert_array_equal(live.columns(NAMES), batch.columns(NAMES)[cut:])


@pytest.mark.parametrize("cut", [1, 700, 2_500, 4_999])
def test_what_comes_after_changes_nothing(cut: int, market_data: Path) -> None:
    candles = recorded(market_data)
    feature_set = FeatureSet(BASE, BASE, settings())
    random = np.random.default_rng(cut)
    others = [candles[at] for at in random.integers(0, ROWS, ROWS - cut).tolist()]
    future = [
        replace(other, open_time_ms=own.open_time_ms, close_time_ms=own.close_time_ms)
        for own, other in zip(candles[cut:], others, strict=True)
    ]
    whole, changed = (
        feature_columns(columns, columns, feature_set).columns(NAMES)
        for columns in (
            CandleColumns.of(candles, BASE), CandleColumns.of([*candles[:cut], *future], BASE),
        )
    )  # fmt: skip
    assert whole[:cut].tobytes() == changed[:cut].tobytes()
    assert whole.tobytes() != changed.tobytes()
