"""The contract that every indicator of `own/` is held to; a new file is found by itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import cycle

import numpy as np
import pytest
from msgspec.structs import replace

from marketstream.columns import FeatureTable, Floats
from marketstream.messages import Candle, Features
from technical_indicators.batch import feature_table
from technical_indicators.feature_set import FeatureSet, FeatureSettings
from technical_indicators.operator import FeatureEngine
from technical_indicators.own_indicator import OwnIndicator, own_names
from technical_indicators.port import COLUMNS

MARKET = "binance:BTC/USDT"
NAMES = own_names()


def moving(rows: int) -> list[Candle]:
    rng = np.random.default_rng(7)
    close = np.round(100 + np.cumsum(rng.normal(0, 0.05, rows + 1)), 2)
    reach = np.round(np.abs(rng.normal(0, 0.05, (2, rows + 1))), 2)
    volume = np.round(rng.lognormal(size=rows + 1), 5)
    taken, quantities = rng.random(rows + 1), np.round(rng.lognormal(size=(2, rows + 1)), 3)
    return [
        Candle(
            market=MARKET, timeframe="1s",
            open_time_ms=row * 1_000, close_time_ms=(row + 1) * 1_000,
            open=float(close[row]), close=float(close[row + 1]),
            high=float(max(close[row], close[row + 1]) + reach[0, row]),
            low=float(min(close[row], close[row + 1]) - reach[1, row]),
            volume=float(volume[row]), quote_volume=float(volume[row] * close[row]),
            taker_buy_volume=float(volume[row] * taken[row]), taker_buy_quote_volume=0.0,
            trade_count=1 + int(9 * taken[row]),
            bid=float(close[row + 1]) - 0.01, bid_quantity=float(quantities[0, row]),
            ask=float(close[row + 1]) + 0.01, ask_quantity=float(quantities[1, row]),
        )
        for row in range(rows)
    ]  # fmt: skip


def still(candle: Candle) -> Candle:
    """Return a candle in which nobody trades, always at the same price."""
    return replace(
        candle, open=100.0, high=100.0, low=100.0, close=100.0, bid=99.99, ask=100.01,
        volume=0.0, quote_volume=0.0, taker_buy_volume=0.0, taker_buy_quote_volume=0.0,
        trade_count=0,
    )  # fmt: skip


def blind(candle: Candle) -> Candle:
    return replace(candle, bid=None, bid_quantity=None, ask=None, ask_quantity=None)


def one_of(name: str) -> FeatureSet:
    return FeatureSet("1s", "1s", FeatureSettings(indicators=[name]))


def fed(engine: FeatureEngine, candles: Sequence[Candle]) -> list[Features]:
    return [features for candle in candles for features in engine.update(candle)]


def rows_for(name: str) -> int:
    return 3 * OwnIndicator(name).lookback + 200


def columns_of(candles: Sequence[Candle]) -> dict[str, Floats]:
    return {
        name: np.array([getattr(candle, name) for candle in candles], np.float64)
        for name in COLUMNS
    }


def values_of(messages: Sequence[Features]) -> list[float]:
    """Return the indicator's values, NaN for None."""
    values = [next(iter(message.values.values())) for message in messages]
    return [math.nan if value is None else value for value in values]


def as_is(candle: Candle) -> Candle:
    return candle


MARKETS: dict[str, tuple[Callable[[Candle], Candle], ...]] = {
    "moving": (as_is,),
    "still": (still,),
    "blind": (blind,),
    "now and then": (still, blind, as_is, as_is, as_is, blind, still, still, as_is, as_is),
}


@pytest.mark.parametrize("kind", MARKETS)
@pytest.mark.parametrize("name", NAMES)
def test_it_streams_the_same_bits_as_in_columns(name: str, kind: str) -> None:
    feature_set = one_of(name)
    changes = cycle(MARKETS[kind])
    candles = [next(changes)(candle) for candle in moving(rows_for(name))]
    live = FeatureTable.of(fed(FeatureEngine(MARKET, feature_set, 64), candles))
    batch = feature_table(candles, candles, feature_set)
    assert live.names == batch.names == feature_set.names
    np.testing.assert_array_equal(live.values, batch.values, strict=True)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_known_as_soon_as_it_has_its_candles(name: str) -> None:
    indicator = OwnIndicator(name)
    [values] = indicator.batch(columns_of(moving(rows_for(name))))
    assert np.isnan(values[: indicator.lookback]).all()
    assert np.isfinite(values[indicator.lookback :]).any()


@pytest.mark.parametrize("name", NAMES)
def test_it_knows_nothing_of_what_comes_after(name: str) -> None:
    indicator = OwnIndicator(name)
    columns = columns_of(moving(rows_for(name)))
    [whole] = indicator.batch(columns)
    for rows in (0, 1, indicator.lookback, indicator.lookback + 1, len(whole) - 1):
        [known_then] = indicator.batch({n: column[:rows] for n, column in columns.items()})
        np.testing.assert_array_equal(known_then, whole[:rows], strict=True)


@pytest.mark.parametrize("name", NAMES)
def test_it_needs_no_more_candles_than_it_says(name: str) -> None:
    indicator = OwnIndicator(name)
    candles = moving(rows_for(name))
    [whole] = indicator.batch(columns_of(candles))
    begun_late = indicator.stream()
    begun_late.open_on(candles[-indicator.lookback - 1 : -1])
    [value] = begun_late.update(candles[-1])
    assert value == pytest.approx(whole[-1], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_a_preview_says_what_the_close_would_and_leaves_no_trace(name: str) -> None:
    feature_set = one_of(name)
    engine, undisturbed = (FeatureEngine(MARKET, feature_set, 64) for _ in range(2))
    for candle in moving(rows_for(name)):
        fed(engine, [still(blind(replace(candle, state="forming")))])
        preview = values_of(fed(engine, [replace(candle, state="forming")]))
        closed = values_of(fed(engine, [candle]))
        np.testing.assert_array_equal(preview, closed)
        np.testing.assert_array_equal(closed, values_of(fed(undisturbed, [candle])))


@pytest.mark.parametrize("name", NAMES)
def test_after_a_restart_anywhere_it_goes_on_as_if_nothing_were(name: str) -> None:
    feature_set = one_of(name)
    keep = feature_set.candles_needed()
    candles = moving(2 * keep)
    whole = values_of(fed(FeatureEngine(MARKET, feature_set, keep), candles))
    lookback = OwnIndicator(name).lookback
    for cut in sorted({0, 1, lookback, lookback + 1, keep - 1, keep, keep + 1, 2 * keep - 1}):
        before, after = (FeatureEngine(MARKET, feature_set, keep) for _ in range(2))
        fed(before, candles[:cut])
        after.restore(before.snapshot())
        np.testing.assert_allclose(
            values_of(fed(after, candles[cut:])), whole[cut:], rtol=1e-9, atol=1e-9
        )


@pytest.mark.parametrize("name", NAMES)
def test_after_a_revision_it_is_that_of_the_candles_as_they_are_now(name: str) -> None:
    feature_set = one_of(name)
    keep = feature_set.candles_needed()
    candles = moving(2 * keep)
    engine = FeatureEngine(MARKET, feature_set, keep)
    fed(engine, candles[:-1])
    late = candles[-2]
    candles[-2] = replace(
        late, high=late.high + 1.5, close=late.close + 0.5, volume=late.volume + 2.0,
        taker_buy_volume=late.taker_buy_volume + 2.0, trade_count=late.trade_count + 1, revision=1,
    )  # fmt: skip
    assert fed(engine, [candles[-2]]) == []
    [now] = values_of(fed(engine, candles[-1:]))
    [whole] = OwnIndicator(name).batch(columns_of(candles))
    np.testing.assert_allclose(now, whole[-1], rtol=1e-9, atol=1e-9)
