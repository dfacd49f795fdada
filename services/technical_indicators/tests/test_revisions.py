"""Candles that are revised: what comes after knows them, what was said before stays."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from marketstream.columns import FeatureTable
from marketstream.messages import Candle, Features
from technical_indicators.batch import feature_table
from technical_indicators.feature_set import FeatureSet, FeatureSettings
from technical_indicators.operator import FeatureEngine

MARKET = "binance:BTC/USDT"
KEEP = 512
ROWS = 400


def made_up_candles(timeframe: str, length_ms: int, rows: int) -> list[Candle]:
    rng = np.random.default_rng(3)
    prices = np.round(100 + np.cumsum(rng.normal(0, 0.05, rows + 1)), 2).tolist()
    volumes = np.round(rng.lognormal(size=rows), 5).tolist()
    return [
        Candle(
            market=MARKET, timeframe=timeframe,
            open_time_ms=row * length_ms, close_time_ms=(row + 1) * length_ms,
            open=prices[row], high=max(prices[row : row + 2]), low=min(prices[row : row + 2]),
            close=prices[row + 1], volume=volumes[row], quote_volume=volumes[row] * prices[row],
            trade_count=3, taker_buy_volume=volumes[row] / 3, taker_buy_quote_volume=0.0,
            bid=prices[row + 1] - 0.01, bid_quantity=1.0,
            ask=prices[row + 1] + 0.01, ask_quantity=2.0,
        )
        for row in range(rows)
    ]  # fmt: skip


def revised(candle: Candle, revision: int = 1) -> Candle:
    """Return the candle as a late trade leaves it."""
    return replace(
        candle,
        high=candle.high + 1.5,
        close=candle.close + 0.5 * revision,
        volume=candle.volume + 2.0,
        trade_count=candle.trade_count + 1,
        taker_buy_volume=candle.taker_buy_volume + 2.0,
        revision=revision,
    )


@pytest.fixture(scope="module")
def feature_set() -> FeatureSet:
    return FeatureSet("1s", "250ms", FeatureSettings())


def run(engine: FeatureEngine, candles: list[Candle]) -> list[Features]:
    return [features for candle in candles for features in engine.update(candle)]


def in_order(*series: list[Candle]) -> list[Candle]:
    candles = [candle for one in series for candle in one]
    return sorted(candles, key=lambda c: (c.close_time_ms, -c.open_time_ms))


def test_after_a_revision_features_are_those_of_the_candles_as_they_are_now(
    feature_set: FeatureSet,
) -> None:
    base, candles = made_up_candles("250ms", 250, 4 * ROWS), made_up_candles("1s", 1_000, ROWS)
    engine = FeatureEngine(MARKET, feature_set, KEEP)
    before_ms = (ROWS - 8) * 1_000
    run(engine, [c for c in in_order(base, candles) if c.close_time_ms <= before_ms])
    base[4 * (ROWS - 8) - 3] = revised(base[4 * (ROWS - 8) - 3])
    candles[ROWS - 10] = revised(candles[ROWS - 10])
    candles[ROWS - 9] = revised(candles[ROWS - 9])
    assert run(engine, [base[4 * (ROWS - 8) - 3], *candles[ROWS - 10 : ROWS - 8]]) == []
    rest = run(engine, [c for c in in_order(base, candles) if c.close_time_ms > before_ms])
    live = FeatureTable.of([features for features in rest if features.timeframe == "1s"])
    whole = feature_table(candles, base, feature_set)
    assert live.close_time_ms.tolist() == whole.close_time_ms[-8:].tolist()
    np.testing.assert_allclose(live.values, whole.values[-8:], rtol=1e-9, atol=1e-9)


def test_a_preview_after_a_revision_knows_it_too(feature_set: FeatureSet) -> None:
    candles = made_up_candles("1s", 1_000, ROWS)
    engine, unaware = (FeatureEngine(MARKET, feature_set, KEEP) for _ in range(2))
    run(engine, candles[:-1])
    run(unaware, candles[:-1])
    run(engine, [revised(candles[-3])])
    forming = replace(candles[-1], state="forming")
    (knowing,), (before,) = engine.update(forming), unaware.update(forming)
    assert knowing.values["sma_20"] != before.values["sma_20"]


@pytest.mark.parametrize("row", [ROWS - 2, 5])
def test_an_older_revision_or_the_same_again_changes_nothing(
    feature_set: FeatureSet, row: int
) -> None:
    candles = made_up_candles("1s", 1_000, ROWS)
    candles[row] = revised(candles[row], revision=2)
    engine, plain = (FeatureEngine(MARKET, feature_set, KEEP) for _ in range(2))
    run(engine, candles[:-1])
    run(plain, candles[:-1])
    again = [candles[row], replace(revised(candles[row]), revision=1), candles[row - 1]]
    assert run(engine, again) == []
    assert engine.update(candles[-1]) == plain.update(candles[-1])
    assert engine.snapshot() == plain.snapshot()


def test_a_candle_first_seen_in_a_later_revision_is_folded_as_any_other(
    feature_set: FeatureSet,
) -> None:
    candles = made_up_candles("1s", 1_000, ROWS)
    renumbered = [replace(candle, revision=candle.open_time_ms // 1_000 % 3) for candle in candles]
    one, other = (FeatureEngine(MARKET, feature_set, KEEP) for _ in range(2))
    assert run(one, renumbered) == run(other, candles)


def test_a_revision_of_what_is_no_longer_kept_changes_nothing(feature_set: FeatureSet) -> None:
    candles = made_up_candles("1s", 1_000, ROWS)
    engine = FeatureEngine(MARKET, feature_set, 64)
    run(engine, candles)
    before = engine.snapshot()
    assert run(engine, [revised(candles[7])]) == []
    assert engine.snapshot() == before
