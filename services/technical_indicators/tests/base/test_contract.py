"""The contract that indicators of base candles are held to; they are found by themselves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from msgspec.structs import replace

from marketstream.columns import FeatureTable
from marketstream.messages import Candle
from technical_indicators.base_indicator import BaseIndicator, base_names
from technical_indicators.batch import feature_table
from technical_indicators.feature_set import FeatureSet
from technical_indicators.operator import FeatureEngine

from .markets import (
    ENTRIES,
    MARKET,
    MARKETS,
    NAMES,
    OF_LEVELS,
    OF_SPANS,
    ROWS,
    Entry,
    as_is,
    blind,
    changed,
    crossed,
    decided,
    fed,
    in_order,
    moving,
    of,
    old,
    settings_of,
    still,
    table_of,
    thin,
    with_holes,
)


@pytest.mark.parametrize("kind", MARKETS)
def test_they_stream_the_same_bits_as_in_columns(kind: str) -> None:
    feature_set = of(*ENTRIES)
    base = MARKETS[kind]()
    live = FeatureTable.of(fed(FeatureEngine(MARKET, feature_set, 64), in_order(base)))
    batch = feature_table(decided(base), base, feature_set)
    assert live.names == batch.names == feature_set.names
    for column, name in enumerate(live.names):
        np.testing.assert_array_equal(
            live.values[:, column], batch.values[:, column], err_msg=name, strict=True
        )


@pytest.mark.parametrize("name", NAMES)
def test_it_is_known_as_soon_as_it_has_its_candles(name: str) -> None:
    indicator = BaseIndicator(name, None, "250ms")
    table = feature_table(moving(), moving(), FeatureSet("250ms", "250ms", settings_of(name)))
    values = table.columns(indicator.names)[:, 0]
    assert np.isnan(values[: indicator.lookback]).all()
    assert np.isfinite(values).any()


@pytest.mark.parametrize("rows", [0, 1, 2, 63, 64, 65, 239, 240, 241, ROWS - 1])
def test_they_know_nothing_of_what_comes_after_however_little_there_is(rows: int) -> None:
    feature_set = of(*ENTRIES, base="250ms")
    names = [name for each in feature_set.of_base for name in each.names]
    base = changed(as_is, as_is, still, blind, thin)
    whole, then = (feature_table(each, each, feature_set) for each in (base, base[:rows]))
    np.testing.assert_array_equal(then.columns(names), whole.columns(names)[:rows], strict=True)


def test_without_book_and_prints_none_of_the_book_is_known() -> None:
    feature_set = of(*(name for name, family in base_names().items() if family == "book"))
    base = MARKETS["blind"]()
    assert np.isnan(
        table_of(fed(FeatureEngine(MARKET, feature_set, 64), in_order(base)), feature_set)
    ).all()


@pytest.mark.parametrize("change", [crossed, old])
def test_levels_that_cross_or_are_old_are_missing_and_their_age_is_not(
    change: Callable[[Candle], Candle],
) -> None:
    feature_set = of(*(name for name in NAMES if name.startswith("book_")))
    base = [*moving()[:40], *map(change, moving()[40:44])]
    last = fed(FeatureEngine(MARKET, feature_set, 64), in_order(base))[-1]
    known = {name for each in feature_set.of_base for name in each.names if last.values[name]}
    assert known == {"book_age"}


def test_a_preview_has_the_book_of_now_and_the_rest_as_of_the_last_base_close() -> None:
    feature_set = of(*ENTRIES)
    base = list(moving()[:400])
    engine, undisturbed = (FeatureEngine(MARKET, feature_set, 64) for _ in range(2))
    for candle in in_order(base):
        if candle.timeframe == "1s":
            for forming in (blind(candle), candle):
                [preview] = engine.update(replace(forming, state="forming"))
            [closed] = engine.update(candle)
            assert preview == replace(closed, forming=True)
            assert undisturbed.update(candle) == [closed]
        else:
            assert engine.update(candle) == undisturbed.update(candle)
    [now] = engine.update(replace(crossed(decided(base)[-1]), state="forming"))
    assert (now.values["book_imbalance"], now.values["quote_ofi"]) == (
        None, closed.values["quote_ofi"],
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["now and then", "with holes"])
@pytest.mark.parametrize("cut", [0, 1, 3, 200, 256, 380, 430, 900, 1_399])
def test_after_a_restart_anywhere_it_goes_on_with_the_same_bits(cut: int, kind: str) -> None:
    feature_set = of(*ENTRIES)
    candles = in_order(MARKETS[kind]())
    whole, before, after = (FeatureEngine(MARKET, feature_set, 64) for _ in range(3))
    expected = fed(whole, candles)
    made = fed(before, candles[:cut])
    after.restore(before.snapshot())
    assert after.snapshot() == before.snapshot()
    made += fed(after, candles[cut:])
    np.testing.assert_array_equal(table_of(made, feature_set), table_of(expected, feature_set))
    assert after.snapshot() == whole.snapshot()


def test_after_they_have_settled_none_depends_on_where_the_series_began() -> None:
    of_a_second: list[Entry] = [
        {name: {"seconds": 1}}
        for name in (
            "flow_share", "flow_root_share", "flow_count", "trade_rate", "mid_volatility",
            "mid_autocorrelation", "vwap_distance",
        )
    ]  # fmt: skip
    entries = (*OF_LEVELS, *OF_SPANS, *of_a_second, "mid_age", "quote_depletion", "vwap_session")
    feature_set = FeatureSet("250ms", "250ms", settings_of(*entries))
    base = with_holes()[:-3]
    settled = feature_set.settled_after()
    names = [name for each in feature_set.of_base for name in each.names]
    for begin in (1, 130, 400):
        late = feature_table(base[begin:], base[begin:], feature_set).columns(names)[settled:]
        whole = feature_table(base, base, feature_set).columns(names)[begin + settled :]
        np.testing.assert_allclose(late, whole, rtol=1e-9, atol=1e-9)


def test_what_an_older_version_kept_is_looked_back_on() -> None:
    plain, feature_set = of("RSI"), of("RSI", *NAMES)
    candles = in_order(moving())
    before, after, whole = (FeatureEngine(MARKET, each, 64) for each in (plain, *2 * [feature_set]))
    fed(before, candles[:1_000])
    after.restore(before.snapshot())
    late, expected = fed(after, candles[1_000:])[-1], fed(whole, candles)[-1]
    assert late.values["book_ofi"] == expected.values["book_ofi"]
    assert late.values.keys() == expected.values.keys()


def test_after_a_revision_they_are_those_of_the_candles_as_they_are_now() -> None:
    feature_set = of(*ENTRIES)
    base = list(moving())
    engine = FeatureEngine(MARKET, feature_set, 64)
    fed(engine, in_order(base)[:-1])
    for row in (-7, -3):
        late = base[row]
        base[row] = replace(
            late, close=late.close + 0.5, volume=late.volume + 2.0, revision=1,
            taker_buy_volume=late.taker_buy_volume + 2.0, trade_count=late.trade_count + 1,
            quote_volume=late.quote_volume + 200.0, first_buy=late.close + 0.5,
        )  # fmt: skip
        assert engine.update(base[row]) == []
    now = fed(engine, in_order(base)[-1:])
    batch = feature_table(decided(base), base, feature_set)
    names = [name for each in feature_set.of_base for name in each.names]
    np.testing.assert_array_equal(table_of(now, feature_set)[0], batch.columns(names)[-1])
