"""Features of candles that still form: what would be said at a close, and nothing is kept."""

import msgspec
import numpy as np

from marketstream.messages import Candle, Features
from technical_indicators.feature_set import FeatureSet, FeatureSettings
from technical_indicators.operator import FeatureEngine

MARKET = "binance:BTC/USDT"
KEEP = 512


def candle(index: int, length_ms: int, timeframe: str, price: float) -> Candle:
    return Candle(
        market=MARKET, timeframe=timeframe,
        open_time_ms=index * length_ms, close_time_ms=(index + 1) * length_ms,
        open=price - 0.02, high=price + 0.05, low=price - 0.05, close=price,
        volume=2.0, quote_volume=2 * price, trade_count=3,
        taker_buy_volume=1.5, taker_buy_quote_volume=1.5 * price,
        bid=price - 0.01, bid_quantity=1.0 + index % 3, ask=price + 0.01, ask_quantity=2.0,
    )  # fmt: skip


def market(seconds: int) -> list[Candle]:
    prices = np.round(100 + np.cumsum(np.random.default_rng(3).normal(0, 0.05, 4 * seconds)), 2)
    candles = []
    for index, price in enumerate(prices.tolist()):
        candles.append(candle(index, 250, "250ms", price))
        if index % 4 == 3:
            candles.append(candle(index // 4, 1_000, "1s", price))
    return candles


def forming(one: Candle, **changes: float) -> Candle:
    return msgspec.structs.replace(one, state="forming", **changes)


def test_a_preview_says_what_the_close_would_say_of_the_same_candle() -> None:
    engine = FeatureEngine(MARKET, FeatureSet("1s", "250ms", FeatureSettings()), KEEP)
    *before, last = market(90)
    for one in before:
        engine.update(one)
    [preview] = engine.update(forming(last))
    [closed] = engine.update(last)
    assert preview.forming
    assert preview == msgspec.structs.replace(closed, forming=True)
    assert all(value is not None for value in preview.values.values())


def test_a_preview_has_the_book_of_now_and_the_spans_of_the_last_base_close() -> None:
    engine = FeatureEngine(MARKET, FeatureSet("1s", "250ms", FeatureSettings()), KEEP)
    *before, last = market(30)
    for one in before:
        engine.update(one)
    [still] = engine.update(forming(last))
    [moved] = engine.update(forming(last, bid_quantity=9.0, ask_quantity=1.0))
    assert moved.values["imbalance"] == 0.8
    changed = {name for name in still.values if still.values[name] != moved.values[name]}
    assert changed == {"imbalance"}


def test_previews_while_warming_up_know_nothing_and_other_timeframes_have_none() -> None:
    engine = FeatureEngine(MARKET, FeatureSet("1s", "250ms", FeatureSettings()), KEEP)
    first = candle(0, 1_000, "1s", 100.0)
    [preview] = engine.update(forming(first))
    assert preview.values["rsi_14"] is None
    assert preview.values["flow_1s"] is None
    assert engine.update(forming(candle(0, 250, "250ms", 100.0))) == []


def test_with_previews_and_without_the_same_features_come_out_at_closes() -> None:
    feature_set = FeatureSet("1s", "250ms", FeatureSettings())
    with_previews = FeatureEngine(MARKET, feature_set, KEEP)
    without = FeatureEngine(MARKET, feature_set, KEEP)
    closed: list[Features] = []
    expected: list[Features] = []
    for one in market(60):
        if one.timeframe == "1s":
            for price in (99.0, 101.5):
                with_previews.update(forming(one, close=price))
        closed += with_previews.update(one)
        expected += without.update(one)
    assert closed == expected
    assert with_previews.snapshot() == without.snapshot()
