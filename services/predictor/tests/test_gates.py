"""What is refused before training, by name; and what is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from marketstream.columns import FeatureTable, Floats
from predictor.gates import expectations
from predictor.gates.distribution import Distribution
from predictor.gates.gate import Gate, Verdict
from predictor.gates.profile import profile
from predictor.gates.rules import rules_for
from predictor.settings import GateSettings, PredictorSettings
from predictor.training.prices import Label

MARKET = "simulator:BTC/USDT"
NAMES = ("imbalance", "flow_1s", "rsi_14")
ROWS = 2_000

type Change = Callable[[FeatureTable], FeatureTable]


def make_table(rows: int = ROWS, *, start_ms: int = 0, seed: int = 0) -> FeatureTable:
    random = np.random.default_rng(seed)
    mid = 100 * np.exp(np.cumsum(random.normal(0, 1e-4, rows)))
    values = random.uniform(-1, 1, (rows, len(NAMES)))
    values[:, 2] = 50 + 30 * values[:, 2]
    return FeatureTable(
        start_ms + 1_000 * np.arange(1, rows + 1, dtype=np.int64),
        NAMES, values, mid - 0.01, mid + 0.01, mid, np.ones(rows, np.bool_),
    )  # fmt: skip


def checked(
    table: FeatureTable,
    gate: Gate | None = None,
    *,
    label: Label = "mid",
    features: tuple[str, ...] = NAMES,
    late_ms: int = 0,
    limits: GateSettings | None = None,
    at_once: bool = False,
) -> Verdict:
    return (gate or Gate()).check(
        table,
        PredictorSettings(features=list(features), gates=limits or GateSettings()),
        market=MARKET,
        label=label,
        now_ms=int(table.close_time_ms[-1]) + late_ms,
        at_once=at_once,
    )


def with_values(table: FeatureTable, name: str, rows: slice, value: float) -> FeatureTable:
    values = table.values.copy()
    values[rows, table.names.index(name)] = value
    return replace(table, values=values)


def put(column: str, row: int, value: float) -> Change:
    def change(table: FeatureTable) -> FeatureTable:
        changed = getattr(table, column).copy()
        changed[row] = value
        return replace(table, **{column: changed})

    return change


def every(table: FeatureTable, step: int) -> FeatureTable:
    """Leave out every so-manieth row."""
    kept = np.arange(len(table)) % step != 0
    columns = ("close_time_ms", "values", "bid", "ask", "close", "complete")
    return replace(table, **{name: getattr(table, name)[kept] for name in columns})


def test_set_that_is_as_it_has_to_be_passes() -> None:
    verdict = checked(make_table())
    assert verdict == Verdict(rows=ROWS, incomplete=0, broken={})
    assert verdict.refusal is None


@pytest.mark.parametrize(
    ("rule", "detail", "change"),
    [
        ("duplicates", "close_time_ms 500000: repeated", put("close_time_ms", 500, 500_000)),
        ("order", "step_ms -1", put("close_time_ms", 500, 499_999)),
        ("prices", "close_time_ms 8000: close -1 (above 0)", put("close", 7, -1.0)),
        ("prices", "close 0 (above 0)", put("close", 7, 0.0)),
        ("priced", "close_time_ms 8000: close nan", put("close", 7, np.nan)),
        ("gaps", "gap_share 0.1", lambda table: every(table, 10)),
        (
            "book",
            "ask 90, bid 101",
            lambda table: replace(table, bid=0 * table.bid + 101, ask=0 * table.ask + 90),
        ),
        (
            "jumps",
            "(at most 0.5)",
            lambda table: replace(
                table, close=np.where(np.arange(ROWS) % 2, table.close, 3 * table.close)
            ),
        ),
        (
            "incomplete",
            "incomplete_share 0.75 (at most 0.5)",
            lambda table: replace(table, complete=np.arange(ROWS) % 4 == 0),
        ),
        (
            "missing",
            "feature flow_1s: missing_share 0.277778 (at most 0.2)",
            lambda table: with_values(table, "flow_1s", slice(500, 1_000), np.nan),
        ),
        (
            "missing",
            "feature flow_1s: missing_share 1 (at most 0.2)",
            lambda table: with_values(table, "flow_1s", slice(None), np.nan),
        ),
        (
            "infinite",
            "feature rsi_14: infinite 1 (at most 0)",
            lambda table: with_values(table, "rsi_14", slice(3, 4), np.inf),
        ),
        (
            "range_high",
            "feature rsi_14: most 100, highest 101",
            lambda table: with_values(table, "rsi_14", slice(3, 4), 101),
        ),
        (
            "range_low",
            "feature imbalance: lowest -1.5, least -1",
            lambda table: with_values(table, "imbalance", slice(3, 4), -1.5),
        ),
    ],
)
def test_set_is_refused_by_the_name_of_the_rule_and_the_value(
    rule: str, detail: str, change: Change
) -> None:
    table = change(make_table())
    verdict = checked(table)
    assert detail in verdict.broken[rule]
    assert verdict.refusal is not None
    assert f"{rule}: " in verdict.refusal
    limits = GateSettings()
    found = profile(table, NAMES, limits, label="mid", now_ms=int(table.close_time_ms[-1]), last={})
    alone = [each.name for each in rules_for(NAMES, limits) if each.is_broken(found)]
    assert alone == list(verdict.broken)  # what Great Expectations says


def test_feature_that_is_wanted_and_not_there_is_refused() -> None:
    verdict = checked(make_table(), features=(*NAMES, "macd"))
    assert verdict.broken == {"schema": "macd is not there"}


@pytest.mark.parametrize(
    ("name", "value", "broken"),
    [
        ("return_60s", 0.9, {"range_high"}),
        ("return_900s", 0.9, set()),
        ("trades_5m", 2e7, set()),
        ("volatility_1296000s", 0.7, set()),
        ("flow_900s", 1.5, {"range_high"}),
    ],
)
def test_ranges_of_what_grows_with_time_are_about_spans_of_a_minute_and_less(
    name: str, value: float, broken: set[str]
) -> None:
    table = replace(make_table(), names=("imbalance", name, "rsi_14"))
    table = with_values(table, name, slice(None), 0.1)
    table = with_values(table, name, slice(3, 4), value)
    assert set(checked(table, features=table.names).broken) == broken


def test_a_range_of_a_features_own_name_counts_however_long_its_span() -> None:
    table = replace(make_table(), names=("imbalance", "return_900s", "rsi_14"))
    limits = GateSettings(ranges={"return_900s": (-0.5, 0.5)})
    assert set(checked(table, features=table.names, limits=limits).broken) == {
        "range_low", "range_high",
    }  # fmt: skip


def test_set_that_ended_long_ago_is_refused() -> None:
    assert checked(make_table(), late_ms=60_000).refusal is None
    verdict = checked(make_table(), late_ms=61_000)
    assert verdict.broken == {"freshness": f"rows {ROWS}: age_closes 61 (at most 60)"}


def test_one_long_stop_is_no_reason_to_refuse() -> None:
    table = make_table()
    later = np.where(np.arange(ROWS) < 1_000, 0, 36_000_000)
    assert checked(replace(table, close_time_ms=table.close_time_ms + later)).refusal is None


def test_incomplete_candles_are_left_out_and_counted() -> None:
    table = with_values(make_table(), "rsi_14", slice(0, 100), 999)
    verdict = checked(replace(table, complete=np.arange(ROWS) >= 100))
    assert (verdict.rows, verdict.incomplete, verdict.broken) == (1_900, 100, {})


def test_a_past_of_which_nobody_can_tell_is_no_reason_to_refuse_what_came_after() -> None:
    verdict = checked(replace(make_table(), complete=np.arange(ROWS) >= ROWS - 300))
    assert (verdict.rows, verdict.incomplete, verdict.broken) == (300, ROWS - 300, {})


def test_features_may_warm_up() -> None:
    warming = with_values(make_table(), "rsi_14", slice(0, 200), np.nan)
    assert checked(warming.rows(slice(0, 150))).refusal is None
    assert checked(warming.rows(slice(0, 400))).refusal is None
    assert "missing" in checked(warming, limits=GateSettings(warm_up=0, missing=0.05)).broken


def test_without_a_book_its_features_may_be_unknown() -> None:
    table = with_values(make_table(), "imbalance", slice(0, 1_900), np.nan)
    early = np.arange(ROWS) < 1_900
    table = replace(
        table, bid=np.where(early, np.nan, table.bid), ask=np.where(early, np.nan, table.ask)
    )
    assert checked(table, label="fair").refusal is None
    holes = with_values(table, "rsi_14", slice(500, 1_000), np.nan)
    assert list(checked(holes, label="fair").broken) == ["missing"]
    assert checked(table).rows == 100  # those of which the mid is known


def test_set_too_small_to_train_on_is_not_refused() -> None:
    verdict = checked(make_table(20), features=("macd",))
    assert verdict == Verdict(rows=20, incomplete=0, broken={})


def test_drift_is_refused_once_and_accepted_when_it_stays() -> None:
    gate = Gate()
    then = make_table()
    now = with_values(make_table(start_ms=ROWS * 1_000, seed=1), "rsi_14", slice(None), 90)
    assert checked(then, gate).refusal is None
    verdict = checked(now, gate)
    assert list(verdict.broken) == ["drift"]
    assert verdict.broken["drift"].startswith("feature rsi_14: drift ")
    assert checked(now, gate).refusal is None


def test_drift_beside_another_fault_does_not_become_what_is_compared_with() -> None:
    gate = Gate()
    broken = with_values(make_table(seed=1), "rsi_14", slice(None), 200)
    assert checked(make_table(), gate).refusal is None
    for _ in range(2):
        assert set(checked(broken, gate).broken) == {"drift", "range_high"}


@pytest.mark.parametrize(
    ("start_ms", "label", "limits"),
    [
        (9 * ROWS * 1_000, "mid", GateSettings()),
        (0, "close", GateSettings()),
        (0, "mid", GateSettings(drift=None)),
    ],
    ids=["long after", "another label", "switched off"],
)
def test_what_cannot_be_compared_has_not_drifted(
    start_ms: int, label: Label, limits: GateSettings
) -> None:
    gate = Gate()
    assert checked(make_table(), gate).refusal is None
    now = with_values(make_table(start_ms=start_ms), "rsi_14", slice(None), 90)
    assert checked(now, gate, label=label, limits=limits).refusal is None


def test_last_set_is_remembered_beside_the_data_docs_of_the_newest_checks(tmp_path: Path) -> None:
    folder = tmp_path / "simulator-BTC-USDT"
    for late_ms in range(0, 7_000, 1_000):
        verdict = checked(make_table(), Gate(tmp_path), late_ms=late_ms)
    assert verdict.docs == folder / "1970-01-01T003326.000000Z"
    assert (verdict.docs / "index.html").is_file()
    assert len([path for path in folder.iterdir() if path.is_dir()]) == 5
    now = with_values(make_table(seed=1), "rsi_14", slice(None), 90)
    refused = checked(now, Gate(tmp_path), late_ms=7_000)
    assert list(refused.broken) == ["drift"]
    assert refused.docs is not None
    pages = [page.read_text() for page in refused.docs.rglob("validations/**/*.html")]
    assert len(pages) == 3
    assert sum("rsi_14" in page and "drift" in page for page in pages) == 1
    (folder / "last-set.json").write_text("{")
    assert checked(now, Gate(tmp_path), late_ms=8_000).refusal is None


def test_what_is_checked_at_once_is_documented_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = with_values(make_table(), "rsi_14", slice(3, 4), 101)
    verdict = checked(table)
    monkeypatch.setattr(expectations, "is_loaded", lambda: False)
    gate = Gate(tmp_path)
    at_once = checked(table, gate, at_once=True)
    assert (at_once.rows, at_once.broken) == (verdict.rows, verdict.broken)
    assert at_once.docs is not None
    assert not at_once.docs.exists()
    gate.catch_up()
    assert (at_once.docs / "index.html").is_file()


def test_only_a_few_checks_wait_for_their_documents_where_nobody_is_ever_idle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expectations, "is_loaded", lambda: False)
    monkeypatch.setattr("predictor.gates.gate._MOST_WAITING", 1)
    gate = Gate(tmp_path)
    first = checked(make_table(), gate, at_once=True)
    assert first.docs is not None
    assert not first.docs.exists()
    checked(make_table(), gate, at_once=True)
    assert (first.docs / "index.html").is_file()


def test_docs_that_cannot_be_written_are_complained_of_and_refuse_nothing(tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("")
    verdict = checked(make_table(), Gate(occupied))
    assert (verdict.refusal, verdict.docs) == (None, None)
    assert verdict.complaint is not None
    assert "cannot be written" in verdict.complaint


def test_distance_is_small_for_the_same_and_large_for_what_is_stuck_or_rescaled() -> None:
    random = np.random.default_rng(0)

    def draw() -> Floats:
        return random.normal(0, 0.3, 5_000)

    then = Distribution.of(draw())
    assert then is not None
    assert then.distance(draw()) < 0.05
    for other in (10 * draw(), draw() + 1, np.zeros(5_000), np.full(5_000, 0.3)):
        assert then.distance(other) > 2.5
    assert np.isnan(then.distance(draw()[:499]))
    assert Distribution.of(draw()[:499]) is None


def test_a_price_that_moved_a_few_percent_has_not_drifted() -> None:
    random = np.random.default_rng(0)
    then = Distribution.of(random.normal(50_000, 50, 1_000))
    constant = Distribution.of(np.zeros(1_000))
    assert then is not None
    assert constant is not None
    assert then.distance(random.normal(51_000, 50, 1_000)) < 0.01
    assert then.distance(random.normal(70_000, 50, 1_000)) > 3
    assert constant.distance(np.zeros(1_000)) == 0
    assert constant.distance(np.ones(1_000)) > 3
