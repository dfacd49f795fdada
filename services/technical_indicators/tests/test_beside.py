"""Features of candles of other timeframes: of the newest that had closed, live as in columns."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from marketstream.columns import FeatureTable, Floats
from marketstream.errors import SettingsError
from marketstream.messages import Candle, Features
from marketstream.plan import Plan
from marketstream.timeframes import timeframe_ms
from technical_indicators.batch import feature_table
from technical_indicators.feature_set import Entry, FeatureSet, FeatureSettings
from technical_indicators.group_operator import GroupEngine
from technical_indicators.operator import FeatureEngine
from technical_indicators.stage import technical_indicators_stage

from .test_revisions import in_order, made_up_candles, revised

MARKET, LEADER = "binance:BTC/USDT", "binance-usdm:BTC/USDT:USDT"
FILE = "candles/binance-usdm-NEARUSDT-1m-2024-11-full.csv.gz"
BESIDE: dict[str, list[Entry]] = {
    "250ms": [{"RSI": {"timeperiod": 14}}],
    "500ms": ["MACD", {"parkinson": {"timeperiod": 5}}],
    "5s": [{"ROC": {"timeperiod": 2}}, {"EMA": {"timeperiod": 5}}],
    "1m": [{"SMA": {"timeperiod": 3}}],
}
ROWS = 600
NAMES = (
    "rsi_14_250ms", "candle_age_250ms", "macd_500ms", "macd_signal_500ms", "macd_hist_500ms",
    "parkinson_5_500ms", "candle_age_500ms", "roc_2_5s", "ema_5_5s", "candle_age_5s", "sma_3_1m",
    "candle_age_1m",
)  # fmt: skip


def settings_of(beside: dict[str, list[Entry]]) -> FeatureSettings:
    return FeatureSettings(indicators=["RSI", "quote_ofi"], spans=["1s"], beside=beside)


def of(beside: dict[str, list[Entry]]) -> FeatureSet:
    return FeatureSet("1s", "250ms", settings_of(beside))


def series() -> dict[str, list[Candle]]:
    """Return candles of ten minutes of every timeframe."""
    return {
        name: made_up_candles(name, timeframe_ms(name), ROWS * 1_000 // timeframe_ms(name))
        for name in ("250ms", "500ms", "1s", "5s", "1m")
    }


def vectors(
    engine: FeatureEngine | GroupEngine, candles: Sequence[Candle], market: str = MARKET
) -> list[Features]:
    made = [features for candle in candles for features in engine.update(candle)]
    return [each for each in made if each.values and each.market == market]


def engine_of(feature_set: FeatureSet) -> FeatureEngine:
    return FeatureEngine(MARKET, feature_set, feature_set.candles_needed())


def columnar(told: dict[str, list[Candle]], feature_set: FeatureSet) -> FeatureTable:
    others = [told[name] for name in feature_set.others if name in told]
    return feature_table(told["1s"], told["250ms"], feature_set, beside=others)


def assert_same_bits(made: Sequence[Features], table: FeatureTable) -> None:
    streamed = FeatureTable.of(made)
    assert streamed.names == table.names
    np.testing.assert_array_equal(streamed.close_time_ms, table.close_time_ms)
    for column, name in enumerate(table.names):
        np.testing.assert_array_equal(
            streamed.values[:, column], table.values[:, column], err_msg=name
        )


def test_they_are_named_after_their_timeframe_and_are_not_there_unless_they_are_configured() -> (
    None
):
    assert of(BESIDE).names == (*of({}).names, *NAMES)
    assert of(BESIDE).version != of({}).version
    assert FeatureSettings().beside == {}
    own = FeatureSet("1s", "250ms", settings_of({"1s": ["RSI"]}))
    assert own.names[-2:] == ("rsi_1s", "candle_age_1s")


def test_they_stream_the_same_bits_as_in_columns() -> None:
    feature_set, told = of(BESIDE), series()
    table = columnar(told, feature_set)
    assert_same_bits(vectors(engine_of(feature_set), in_order(*told.values())), table)
    assert np.isfinite(table.columns(NAMES)[-1]).all()


def test_a_candle_that_closes_with_the_decision_counts_whichever_comes_first() -> None:
    feature_set, told = of({"5s": [{"ROC": {"timeperiod": 1}}]}), series()
    coarsest_first = sorted(
        (candle for one in told.values() for candle in one),
        key=lambda candle: (candle.close_time_ms, candle.timeframe != "5s", -candle.open_time_ms),
    )
    told = {name: told[name] for name in ("250ms", "1s", "5s")}
    table = columnar(told, feature_set)
    for candles in (in_order(*told.values()), coarsest_first):
        assert_same_bits(vectors(engine_of(feature_set), candles), table)
    ages = table.columns(["candle_age_5s"])[:, 0]
    np.testing.assert_array_equal(ages[:9], [np.nan] * 4 + [0, 1, 2, 3, 4])
    closes = [candle.close for candle in told["5s"]]
    roc = table.columns(["roc_1_5s"])[:, 0]
    assert np.isnan(roc[:9]).all()
    assert roc[9] == roc[13] == pytest.approx(100 * (closes[1] / closes[0] - 1))


def test_what_a_decision_waits_for_may_not_come() -> None:
    feature_set, told = of({"5s": [{"ROC": {"timeperiod": 1}}]}), series()
    gone = {20_000, 25_000, 100_000}
    told["5s"] = [candle for candle in told["5s"] if candle.close_time_ms not in gone]
    told = {name: told[name] for name in ("250ms", "1s", "5s")}
    table = columnar(told, feature_set)
    engine = engine_of(feature_set)
    made, at_ms = [], {}
    for candle in in_order(*told.values()):
        for features in engine.update(candle):
            if features.values:
                made.append(features)
                at_ms[features.close_time_ms] = candle.close_time_ms
    assert_same_bits(made, table)
    late = {close_ms for close_ms, told_ms in at_ms.items() if told_ms != close_ms}
    assert late == gone
    assert all(at_ms[close_ms] == close_ms + 250 for close_ms in gone)
    roc, ages = table.columns(["roc_1_5s", "candle_age_5s"]).T
    assert np.isnan(roc[19:29]).all()
    np.testing.assert_array_equal(ages[18:31], [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0, 1])
    assert np.isfinite(roc[29:98]).all()


def test_without_any_candle_of_the_timeframe_nothing_is_known_of_it() -> None:
    feature_set = of({"5s": ["ROC"]})
    told = {name: series()[name] for name in ("1s", "250ms")}
    told["1s"].pop()  # one at which a candle of 5s would close waits for what comes next
    table = columnar(told, feature_set)
    assert_same_bits(vectors(engine_of(feature_set), in_order(*told.values())), table)
    assert np.isnan(table.columns(["roc_5s", "candle_age_5s"])).all()


@pytest.mark.parametrize("cut", [0, 1, 2_000, 2_399, 2_400, 2_401, 2_402, 2_403, 3_333])
def test_after_a_restart_anywhere_it_goes_on_as_if_nothing_were(cut: int) -> None:
    feature_set = of(BESIDE)
    candles = in_order(*series().values())
    whole, before, after = (engine_of(feature_set) for _ in range(3))
    first = vectors(before, candles[:cut])
    after.restore(before.snapshot())
    made = [*first, *vectors(after, candles[cut:])]
    expected = vectors(whole, candles)
    assert [each.identity for each in made] == [each.identity for each in expected]
    np.testing.assert_allclose(
        FeatureTable.of(made).values, FeatureTable.of(expected).values, rtol=1e-9, atol=1e-9
    )


def test_a_restart_between_a_decision_and_what_it_waits_for_loses_nothing() -> None:
    feature_set = of({"1m": [{"ROC": {"timeperiod": 1}}]})
    candles = in_order(*(series()[name] for name in ("250ms", "1s", "1m")))
    at = next(n for n, each in enumerate(candles) if each.timeframe == "1m")
    assert candles[at - 1].timeframe == "1s"
    before, after = engine_of(feature_set), engine_of(feature_set)
    assert len(vectors(before, candles[:at])) == 59
    after.restore(before.snapshot())
    [held] = vectors(after, candles[at : at + 1])
    assert (held.close_time_ms, held.values["candle_age_1m"]) == (60_000, 0)


def test_after_a_revision_they_are_those_of_the_candles_as_they_are_now() -> None:
    feature_set, told = of(BESIDE), series()
    candles = in_order(*told.values())
    at = len(candles) - 100
    close_ms = candles[at].close_time_ms
    mended = {}
    for name in ("500ms", "5s", "1m"):
        at_row = max(r for r, each in enumerate(told[name]) if each.close_time_ms <= close_ms)
        told[name][at_row] = mended[name] = revised(told[name][at_row])
    engine = engine_of(feature_set)
    vectors(engine, candles[: at + 1])
    assert vectors(engine, list(mended.values())) == []
    now = FeatureTable.of(vectors(engine, candles[at + 1 :]))
    table = columnar(told, feature_set)
    np.testing.assert_allclose(
        now.columns(NAMES), table.columns(NAMES)[-len(now) :], rtol=1e-9, atol=1e-9
    )
    assert engine.update(mended["1m"]) == []


def test_a_preview_says_what_was_known_when_its_candle_began() -> None:
    once: list[Entry] = [{"ROC": {"timeperiod": 1}}]
    feature_set, told = of({"5s": once, "250ms": once}), series()
    engine = engine_of(feature_set)
    candles = in_order(*(told[name] for name in ("250ms", "1s", "5s")))
    for candle in candles:
        forming = replace(candle, state="forming") if candle.timeframe == "1s" else None
        if forming is not None and candle.open_time_ms >= 10_000:
            [shown] = engine.update(forming)
            assert shown.values["candle_age_5s"] == (candle.open_time_ms % 5_000) / 1_000
            assert shown.values["roc_1_5s"] is not None
            assert (shown.values["candle_age_250ms"], shown.values["roc_1_250ms"] is None) == (
                0, False,
            )  # fmt: skip
        engine.update(candle)


def test_of_candles_that_come_too_early_nothing_is_said() -> None:
    feature_set, told = of({"5s": [{"ROC": {"timeperiod": 1}}]}), series()
    engine = engine_of(feature_set)
    vectors(engine, told["5s"][:4])
    [early] = vectors(engine, told["1s"][7:8])
    assert (early.values["roc_1_5s"], early.values["candle_age_5s"]) == (None, None)
    [now] = vectors(engine, told["1s"][19:20])
    assert now.values["candle_age_5s"] == 0


def test_markets_of_a_group_wait_for_both() -> None:
    plan = Plan((MARKET, LEADER), "1s", (1,), groups={"pair": (MARKET, LEADER)})
    settings = FeatureSettings(
        indicators=["leader_return"], spans=["1s"], beside={"5s": [{"ROC": {"timeperiod": 1}}]}
    )
    feature_set = FeatureSet("1s", "250ms", settings, plan.groups)
    own = {name: series()[name] for name in ("250ms", "1s", "5s")}
    leader = [replace(candle, market=LEADER) for candle in own["250ms"]]
    engine = technical_indicators_stage(feature_set, plan).make_operator("pair")
    assert isinstance(engine, GroupEngine)
    table = feature_table(own["1s"], own["250ms"], feature_set, [leader], [own["5s"]])
    assert_same_bits(vectors(engine, in_order(*own.values(), leader)), table)
    late = [replace(one, market=LEADER) for one in own["250ms"]]
    engine = technical_indicators_stage(feature_set, plan).make_operator("pair")
    ordered = sorted(
        (*in_order(*own.values()), *late),
        key=lambda each: (each.close_time_ms, each.market == LEADER),
    )
    assert_same_bits(vectors(engine, ordered), table)


@pytest.mark.parametrize(
    ("beside", "part"),
    [
        ({"1m": ["NOPE"]}, "no function 'NOPE'"),
        ({"1m": ["quote_ofi"]}, "quote_ofi is not of candles of 1m, but of the finest"),
        ({"1m": ["leader_basis"]}, "leader_basis is not of candles of 1m"),
        ({"1m": ["RSI", "RSI"]}, "rsi_1m is there twice"),
        ({"1m": ["RSI"], "60s": ["RSI"]}, "60s is as long as 1m: write 1m"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(beside: dict[str, list[Entry]], part: str) -> None:
    with pytest.raises(SettingsError, match=part):
        of(beside)


def test_a_timeframe_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="'7s' is not a timeframe"):
        FeatureSettings(beside={"7s": ["RSI"]})


def real(path: Path, rows: int) -> list[Candle]:
    """Return minutes of a perpetual, with the book made up."""
    with gzip.open(path, "rt") as file:
        table = np.genfromtxt(file, delimiter=",", names=True, max_rows=rows)
    columns = {name: table[name].tolist() for name in ("open", "high", "low", "close", "volume")}
    return [
        Candle(
            market=MARKET, timeframe="1m", open_time_ms=60_000 * row,
            close_time_ms=60_000 * (row + 1), quote_volume=volume * close, trade_count=1,
            taker_buy_volume=volume / 2, taker_buy_quote_volume=0.0, bid=close - 0.001,
            bid_quantity=1.0, ask=close + 0.001, ask_quantity=2.0, open=opened, high=high, low=low,
            close=close, volume=volume,
        )
        for row, (opened, high, low, close, volume) in enumerate(
            zip(*columns.values(), strict=True)
        )
    ]  # fmt: skip


def folded(minutes: Sequence[Candle], timeframe: str) -> list[Candle]:
    """Return whole candles of a longer timeframe."""
    count = timeframe_ms(timeframe) // 60_000
    parts = [minutes[at : at + count] for at in range(0, len(minutes) - count + 1, count)]
    return [
        replace(
            part[-1], timeframe=timeframe, open_time_ms=part[0].open_time_ms, open=part[0].open,
            high=max(each.high for each in part), low=min(each.low for each in part),
            volume=sum(each.volume for each in part),
        )
        for part in parts
    ]  # fmt: skip


@pytest.mark.data
def test_they_stream_the_same_bits_over_5_000_real_candles_and_look_at_no_future(
    market_data: Path,
) -> None:
    minutes = real(market_data / FILE, 5_000)
    others = {name: folded(minutes, name) for name in ("5m", "15m", "1h")}
    every: list[Entry] = ["RSI", "MACD", "BBANDS", "NATR", "ADX", "STOCH", "MFI", "parkinson"]
    settings = FeatureSettings(indicators=["RSI"], beside=dict.fromkeys(others, every))
    feature_set = FeatureSet("1m", "1m", settings)
    table = feature_table(minutes, minutes, feature_set, beside=list(others.values()))
    engine = engine_of(feature_set)
    assert_same_bits(vectors(engine, in_order(minutes, *others.values())), table)
    assert np.isfinite(table.values[-1]).all()
    for cut in (1_234, 2_999, 3_000, 4_567):
        until_ms = 60_000 * cut
        changed = [other_future(one, until_ms) for one in (minutes, *others.values())]
        again = feature_table(changed[0], changed[0], feature_set, beside=changed[1:])
        assert bits(again.values[:cut]) == bits(table.values[:cut])


def other_future(candles: Sequence[Candle], until_ms: int) -> list[Candle]:
    return [
        each
        if each.close_time_ms <= until_ms
        else replace(each, close=2 * each.close, high=3 * each.high, volume=each.volume + 1)
        for each in candles
    ]


def bits(values: Floats) -> bytes:
    return values.tobytes()
