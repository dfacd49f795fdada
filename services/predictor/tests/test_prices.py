from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketstream.columns import PriceSeries
from marketstream.errors import InputError
from predictor.training.prices import choose_label, label_ends, label_prices, label_returns, on_grid

TIMES = np.arange(250, 3_250, 250, dtype=np.int64)
MIDS = np.linspace(100.0, 111.0, 12)
SERIES = PriceSeries(TIMES, MIDS, 2 * MIDS, 250)


def label(
    decided_ms: int, *, horizon_ms: int, latency_ms: int = 0, series: PriceSeries = SERIES
) -> float:
    returns = label_returns(
        np.array([decided_ms]), series.mid, series, horizon_ms=horizon_ms, latency_ms=latency_ms
    )
    return float(returns[0])


def without(time_ms: int) -> PriceSeries:
    kept = time_ms != TIMES
    return PriceSeries(TIMES[kept], MIDS[kept], MIDS[kept], 250)


def test_label_is_the_log_return_from_the_decision_to_the_horizon() -> None:
    assert label(1_000, horizon_ms=1_000) == pytest.approx(log(107 / 103), abs=1e-15)


def test_labels_come_from_the_prices_they_are_given() -> None:
    returns = label_returns(np.array([250]), SERIES.close, SERIES, horizon_ms=250)
    assert returns.tolist() == pytest.approx([log(202 / 200)], abs=1e-15)


def test_latency_moves_both_ends_and_is_rounded_up_to_the_base_grid() -> None:
    late = label(1_000, horizon_ms=1_000, latency_ms=250)
    assert late == pytest.approx(log(108 / 104), abs=1e-15)
    assert label(1_000, horizon_ms=1_000, latency_ms=1) == late
    assert label(1_000, horizon_ms=1_000, latency_ms=251) == pytest.approx(log(109 / 105))


@pytest.mark.parametrize("hole_ms", [1_000, 2_000])
def test_hole_at_either_end_leaves_no_label(hole_ms: int) -> None:
    assert np.isnan(label(1_000, horizon_ms=1_000, series=without(hole_ms)))


def test_hole_in_between_does_not_stretch_the_horizon() -> None:
    assert label(1_000, horizon_ms=1_000, series=without(1_500)) == label(1_000, horizon_ms=1_000)


def test_price_that_is_not_known_leaves_no_label() -> None:
    mids = MIDS.copy()
    mids[TIMES == 2_000] = np.nan
    series = PriceSeries(TIMES, mids, MIDS, 250)
    assert np.isnan(label(1_000, horizon_ms=1_000, series=series))


def test_horizon_that_is_to_come_has_no_label_yet() -> None:
    assert label(2_000, horizon_ms=1_000) == pytest.approx(log(111 / 107))
    assert np.isnan(label(2_250, horizon_ms=1_000))
    assert np.isnan(label(2_000, horizon_ms=1_000, latency_ms=1))


def test_no_prices_leave_no_labels() -> None:
    nothing = PriceSeries(TIMES[:0], MIDS[:0], MIDS[:0], 250)
    assert np.isnan(label(1_000, horizon_ms=1_000, series=nothing))


@given(st.integers(0, 10**13), st.integers(1, 10**6))
def test_grid_is_the_first_close_at_or_after_a_moment(time_ms: int, base_ms: int) -> None:
    close_ms = on_grid(time_ms, base_ms)
    assert close_ms % base_ms == 0
    assert 0 <= close_ms - time_ms < base_ms


@given(
    known=st.lists(st.booleans(), min_size=12, max_size=12),
    horizon_ms=st.sampled_from([250, 500, 1_000]),
    latency_ms=st.integers(0, 600),
)
def test_labels_equal_a_lookup_by_time(known: list[bool], horizon_ms: int, latency_ms: int) -> None:
    kept = np.array(known)
    series = PriceSeries(TIMES[kept], MIDS[kept], MIDS[kept], 250)
    price = dict(zip(series.close_time_ms.tolist(), series.mid.tolist(), strict=True))
    returns = label_returns(TIMES, series.mid, series, horizon_ms=horizon_ms, latency_ms=latency_ms)
    for time_ms, said in zip(TIMES.tolist(), returns.tolist(), strict=True):
        start = price.get(on_grid(time_ms + latency_ms, 250))
        end = price.get(on_grid(time_ms + latency_ms + horizon_ms, 250))
        if start is None or end is None:
            assert np.isnan(said)
        else:
            assert said == pytest.approx(log(end / start), abs=1e-15)


def prints(first_buy: list[float | None], first_sell: list[float | None]) -> PriceSeries:
    size = len(first_buy)
    nothing = np.full(size, np.nan)
    return PriceSeries(
        np.arange(250, 250 * (size + 1), 250), nothing, nothing, 250,
        np.array(first_buy, np.float64), np.array(first_sell, np.float64),
    )  # fmt: skip


def test_fair_mid_is_the_geometric_mean_of_the_next_buy_and_the_next_sell() -> None:
    series = prints([101.0, None, 104.0, None], [None, 99.0, None, 100.0])
    fair = label_prices(series, "fair")
    np.testing.assert_allclose(fair[:2], np.sqrt([104.0 * 99.0, 104.0 * 100.0]))
    assert np.isnan(fair[2:]).all()  # no buy has come since


def test_fair_mid_never_uses_a_print_of_the_past() -> None:
    series = prints([101.0, None, None], [99.0, None, None])
    assert np.isnan(label_prices(series, "fair")).all()


def test_fair_mid_does_not_reach_across_a_hole() -> None:
    series = prints([None, 101.0, 102.0], [None, 99.0, 98.0])
    series.close_time_ms[1:] += 250
    fair = label_prices(series, "fair")
    assert np.isnan(fair[0])
    assert fair[1] == pytest.approx(np.sqrt(102.0 * 98.0))


def test_where_no_prints_are_known_there_is_no_fair_mid() -> None:
    assert np.isnan(label_prices(SERIES, "fair")).all()
    assert label_prices(SERIES, "close") is SERIES.close


def test_label_of_a_known_price_ends_on_the_grid_after_latency_and_horizon() -> None:
    ends = label_ends(np.array([1_000, 1_250]), "mid", SERIES, horizon_ms=1_000, latency_ms=10)
    assert ends.tolist() == [2_250, 2_500]


def test_label_of_a_fair_mid_ends_when_its_last_print_has_come() -> None:
    series = prints([None, None, 104.0, None, None, 103.0], [None, 99.0, None, None, 100.0, 100.0])
    ends = label_ends(np.array([250, 500, 750, 1_000]), "fair", series, horizon_ms=250)
    # From 500 ms on, a buy came by 750 and a sell by 1250; and so on.
    assert ends.tolist() == [1_250, 1_500, 1_500, 1_500]


def test_label_that_is_never_known_ends_at_its_moment() -> None:
    series = prints([101.0, None, None], [99.0, None, None])
    assert label_ends(np.array([250]), "fair", series, horizon_ms=250).tolist() == [500]


def candles(base_ms: int) -> PriceSeries:
    times = base_ms * np.arange(1, 5, dtype=np.int64)
    return PriceSeries(times, np.full(4, np.nan), np.array([1.0, 2.0, 4.0, 8.0]), base_ms)


def test_candles_of_a_minute_are_labelled_by_their_close() -> None:
    series = candles(60_000)
    assert choose_label(series) == "close"
    returns = label_returns(
        series.close_time_ms, label_prices(series, "close"), series, horizon_ms=120_000
    )
    assert returns[:2].tolist() == pytest.approx([log(4), log(4)])
    assert np.isnan(returns[2:]).all()


def test_candles_of_seconds_without_quotes_or_sides_are_refused() -> None:
    with pytest.raises(InputError, match="bounces between bid and ask"):
        choose_label(candles(1_000))


def test_mid_is_the_label_where_it_is_known_and_the_fair_mid_comes_second() -> None:
    assert choose_label(SERIES) == "mid"
    assert choose_label(prints([101.0, 102.0], [99.0, 98.0])) == "fair"
