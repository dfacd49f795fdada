"""Live features equal batch features, bit for bit."""

import math

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from marketstream.columns import FeatureTable
from marketstream.errors import SettingsError
from marketstream.messages import Candle, Features
from technical_indicators.batch import feature_table
from technical_indicators.feature_set import FeatureSet, FeatureSettings
from technical_indicators.operator import FeatureEngine
from technical_indicators.port import COLUMNS
from technical_indicators.talib_indicator import TalibIndicator

REFUSED = {
    "AD", "ADOSC", "CUMSUM", "MAVP", "MAXINDEX", "MININDEX", "MINMAXINDEX", "NVI", "OBV", "PVI",
    "PVT", "SAR", "SAREXT", "SUPERTREND", "VWAP", "WAD",
}  # fmt: skip
MARKET = "binance:BTC/USDT"
KEEP = 512


def made_up_candles(rows: int, length_ms: int, timeframe: str, seed: int = 0) -> list[Candle]:
    rng = np.random.default_rng(seed)
    close = np.round(100 + np.cumsum(rng.normal(0, 0.05, rows)), 2)
    opened = np.concatenate(([100.0], close[:-1]))
    volume = np.round(rng.lognormal(size=rows), 5)
    volume[rng.random(rows) < 0.2] = 0.0
    candles = []
    for row in range(rows):
        high, low = max(opened[row], close[row]), min(opened[row], close[row])
        candles.append(
            Candle(
                market=MARKET, timeframe=timeframe,
                open_time_ms=row * length_ms, close_time_ms=(row + 1) * length_ms,
                open=float(opened[row]), high=float(high), low=float(low), close=float(close[row]),
                volume=float(volume[row]), quote_volume=float(volume[row] * close[row]),
                trade_count=int(volume[row] > 0),
                taker_buy_volume=float(volume[row] * rng.random()), taker_buy_quote_volume=0.0,
                bid=float(close[row]) - 0.01, bid_quantity=float(rng.random()),
                ask=float(close[row]) + 0.01, ask_quantity=float(rng.random()),
            )
        )  # fmt: skip
    return candles


def streamed(engine: FeatureEngine, candles: list[Candle]) -> list[Features]:
    return [features for candle in candles for features in engine.update(candle)]


def in_order(*series: list[Candle]) -> list[Candle]:
    candles = [candle for one in series for candle in one]
    return sorted(candles, key=lambda c: (c.close_time_ms, -c.open_time_ms))


def assert_same_bits(left: FeatureTable, right: FeatureTable) -> None:
    assert left.names == right.names
    for column, name in enumerate(left.names):
        np.testing.assert_array_equal(
            left.values[:, column], right.values[:, column], err_msg=name, strict=True
        )
    np.testing.assert_array_equal(left.close_time_ms, right.close_time_ms)


def test_streamed_features_equal_batch_features_bit_for_bit() -> None:
    feature_set = FeatureSet("1s", "250ms", FeatureSettings())
    base = made_up_candles(2_400, 250, "250ms")
    candles = made_up_candles(600, 1_000, "1s", seed=1)
    messages = streamed(FeatureEngine(MARKET, feature_set, KEEP), in_order(base, candles))
    live = FeatureTable.of([m for m in messages if m.timeframe == "1s"])
    assert_same_bits(live, feature_table(candles, base, feature_set))
    assert np.isfinite(live.values[-1]).all()


def test_a_long_table_has_every_column_in_its_place() -> None:
    feature_set = FeatureSet("1s", "1s", FeatureSettings())
    candles = made_up_candles(9_001, 1_000, "1s")
    values = feature_table(candles, candles, feature_set).values
    columns = {name: np.array([getattr(c, name) for c in candles], np.float64) for name in COLUMNS}
    series = [output for each in feature_set.indicators for output in each.batch(columns)]
    for column, one in enumerate(series):
        np.testing.assert_array_equal(values[:, column], one, strict=True)
    assert values.shape == (9_001, len(feature_set.names))
    assert np.isfinite(values[-1]).all()


def test_a_hole_in_time_and_a_missing_book_are_the_same_live_and_in_batch() -> None:
    feature_set = FeatureSet("1s", "250ms", FeatureSettings(indicators=["MACD"]))
    base = made_up_candles(400, 250, "250ms")
    base = [c for c in base if not 30_000 <= c.open_time_ms < 40_000]
    blind = Candle(**{f: getattr(base[40], f) for f in base[40].__struct_fields__} | {"bid": None})
    base[40] = blind
    candles = [
        c for c in made_up_candles(100, 1_000, "1s") if not 30_000 <= c.open_time_ms < 40_000
    ]
    messages = streamed(FeatureEngine(MARKET, feature_set, KEEP), in_order(base, candles))
    live = FeatureTable.of([m for m in messages if m.timeframe == "1s"])
    assert_same_bits(live, feature_table(candles, base, feature_set))
    after_hole = live.values[list(live.close_time_ms).index(41_000)]
    assert math.isnan(after_hole[live.names.index("return_10s")])
    assert after_hole[live.names.index("flow_1s")] == after_hole[live.names.index("flow_1s")]


def test_one_timeframe_serves_as_its_own_base() -> None:
    feature_set = FeatureSet("1m", "1m", FeatureSettings(indicators=["RSI"]))
    candles = made_up_candles(100, 60_000, "1m")
    live = FeatureTable.of(streamed(FeatureEngine(MARKET, feature_set, KEEP), candles))
    assert len(live) == 100
    assert_same_bits(live, feature_table(candles, candles, feature_set))


@pytest.mark.parametrize("function", talib.get_functions())
def test_every_talib_function_streams_like_batch_or_is_refused_with_a_reason(function: str) -> None:
    if function in REFUSED:
        with pytest.raises(SettingsError, match=function):
            TalibIndicator(function)
        return
    indicator = TalibIndicator(function)
    candles = made_up_candles(400, 1_000, "1s")
    columns = {
        name: np.array([getattr(c, name) for c in candles])
        for name in ("open", "high", "low", "close", "volume")
    }
    stream = indicator.stream()
    live = np.array([stream.update(candle) for candle in candles], np.float64)
    for column, series in enumerate(indicator.batch(columns)):
        np.testing.assert_array_equal(live[:, column], series)


def test_features_carry_the_names_people_configure() -> None:
    names = FeatureSet("1s", "250ms", FeatureSettings()).names
    assert {"rsi_14", "macd", "macd_signal", "bb_upper", "ema_20", "sma_50", "imbalance"} <= set(
        names
    )
    assert len(FeatureSettings().indicators) >= 20


def test_whole_numbers_may_be_written_for_fractions_and_the_other_way_round() -> None:
    entry: dict[str, dict[str, int | float]] = {"BBANDS": {"nbdevup": 2, "timeperiod": 20.0}}
    names = FeatureSet("1s", "250ms", FeatureSettings(indicators=[entry])).names
    assert names[:3] == ("bb_upper_2_20", "bb_middle_2_20", "bb_lower_2_20")


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        (FeatureSettings(indicators=["NOPE"]), "no function 'NOPE'"),
        (FeatureSettings(indicators=["RSI_"]), r"no function 'RSI_'.*: did you mean RSI\?"),
        (FeatureSettings(indicators=["parkinsn"]), r"did you mean parkinson\?"),
        (FeatureSettings(indicators=["OBVX"]), r"did you mean .*(?<!OBV)\?"),
        (
            FeatureSettings(indicators=[{"RSI": {"period": 3}}]),
            r"did you mean timeperiod\? it takes",
        ),
        (FeatureSettings(indicators=[{"RSI": {"length": 3}}]), "no parameter 'length'"),
        (FeatureSettings(indicators=[{"RSI": {"timeperiod": -1}}]), "does not accept"),
        (
            FeatureSettings(indicators=[{"RSI": {"timeperiod": 2.5}}]),
            "2.5}: timeperiod has to be a whole number, 2 to 100000",
        ),
        (FeatureSettings(indicators=[{"T3": {"vfactor": 2}}]), "vfactor has to be .*, 0.0 to 1.0"),
        (FeatureSettings(indicators=[{"RSI": {"timeperiod": math.inf}}]), "does not accept"),
        (FeatureSettings(indicators=["OBV"]), "depends on where the series began"),
        (FeatureSettings(indicators=["RSI", "RSI"]), "rsi is there twice"),
        (FeatureSettings(spans=["300ms"]), "no whole number"),
        (FeatureSettings(indicators=[{"RSI": {}, "MACD": {}}]), "name one function"),
    ],
)
def test_a_feature_that_makes_no_sense_is_refused_by_name(
    settings: FeatureSettings, part: str
) -> None:
    with pytest.raises(SettingsError, match=part):
        FeatureSet("1s", "250ms", settings)


@given(cut=st.integers(0, 2_000))
@settings(max_examples=10, deadline=None)
def test_a_restored_engine_agrees_to_a_billionth(cut: int) -> None:
    feature_set = FeatureSet("1s", "250ms", FeatureSettings())
    keep = feature_set.candles_needed()
    candles = in_order(made_up_candles(3_200, 250, "250ms"), made_up_candles(800, 1_000, "1s"))
    whole = FeatureEngine(MARKET, feature_set, keep)
    split = FeatureEngine(MARKET, feature_set, keep)
    at = 2_000 + cut // 2
    streamed(whole, candles[:at])
    streamed(split, candles[:at])
    restored = FeatureEngine(MARKET, feature_set, keep)
    restored.restore(split.snapshot())
    left, right = streamed(whole, candles[at:]), streamed(restored, candles[at:])
    assert [m.identity for m in left] == [m.identity for m in right]
    for one, other in zip(left, right, strict=True):
        for name, value in one.values.items():
            assert other.values[name] == pytest.approx(value, rel=1e-9, abs=1e-9), name
