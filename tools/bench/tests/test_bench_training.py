"""`realtime bench train infer indicators`: what they measure is what they say."""

from __future__ import annotations

from realtime_bench.figures import Effort
from realtime_bench.indicators import bench_indicators
from realtime_bench.infer import bench_infer
from realtime_bench.talipp_peer import talipp_version
from realtime_bench.train import bench_train


def test_training_is_measured_in_seconds_on_rows_that_have_labels() -> None:
    said: list[str] = []
    measured = bench_train(Effort(2, quick=True), said.append)
    assert set(measured.figures()) == {"features_1m_seconds", "lightgbm_200k_seconds"}
    assert all(0 < value < 10 for value in measured.figures().values())
    assert [len(values) for values in measured.runs.values()] == [2, 2]
    conditions = measured.conditions
    assert (conditions["candles"], conditions["labelled"]) == (20_000, 19_995)
    assert (conditions["rows"], conditions["columns"]) == (4_000, 60)
    assert said == ["run 1 of 2", "run 2 of 2"]


def test_one_row_is_measured_in_microseconds_by_each_kind_of_model() -> None:
    measured = bench_infer(Effort(1, quick=True), lambda _text: None)
    figures = measured.figures()
    assert set(figures) == {
        "lightgbm_us_p50", "xgboost_us_p50", "logistic_us_p50", "average_us_p50", "close_us_p50",
    }  # fmt: skip
    assert 2 * figures["average_us_p50"] < figures["close_us_p50"]  # four horizons, and outcomes
    assert all(0.5 < value < 10_000 for value in figures.values())
    assert figures["logistic_us_p50"] < figures["xgboost_us_p50"]


def test_features_are_measured_a_close_at_a_time_and_in_columns() -> None:
    said: list[str] = []
    measured = bench_indicators(Effort(2, quick=True), said.append)
    figures = measured.figures()
    assert set(figures) == {
        "talib_36_us_p50", "talib_36_us_p99", "vector_us_p50", "vector_us_p99",
        "talib_36_1m_seconds", "talib_9_us_p50", "vector_1m_seconds", "peers",
        "wide_us_p50", "wide_us_p99", "book_1m_seconds", "flow_1m_seconds",
        "led_us_p50", "led_us_p99",
    }  # fmt: skip
    assert 1 < figures["talib_36_us_p50"] <= figures["talib_36_us_p99"] < 100_000
    assert figures["talib_36_us_p50"] < figures["peers"]["recomputed_us_p50"]
    assert 1 < figures["vector_us_p50"] <= figures["vector_us_p99"] < 100_000
    assert 0 < figures["talib_36_1m_seconds"] < figures["vector_1m_seconds"] < 10
    conditions = measured.conditions
    assert (conditions["closes"], conditions["candles_in_columns"]) == (400, 20_000)
    assert conditions["talib"]["indicators"] == 36
    assert conditions["vector"]["features"] == 64
    families = [conditions[f"{family}_in_columns"]["features"] for family in ("book", "flow")]
    assert conditions["wide"]["features"] == 64 + sum(families)
    assert conditions["led"]["features"] == 64 + 12
    assert figures["vector_us_p50"] < figures["led_us_p50"] < figures["wide_us_p50"]
    assert [text for text in said if "talipp" not in text] == [
        "making the candles", "run 1 of 2", "run 2 of 2",
    ]  # fmt: skip
    slower = figures["peers"]["talipp_us_p50"]
    if talipp_version() is None:
        assert slower is None
    else:
        assert figures["talib_9_us_p50"] < slower
