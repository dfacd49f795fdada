"""The shadow checker on what a market's stages said, stored as the storekeeper stores it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from loguru import logger
from msgspec.structs import replace

from marketstream.fakes import FakePorts
from marketstream.messages import Candle, Features, Recomputed, Status
from marketstream.operator import Operator
from marketstream.plan import Plan
from marketstream.store.sql import SqlStore, open_store
from marketstream.timeframes import timeframe_ms
from technical_indicators.beginnings import Beginnings
from technical_indicators.build import build, feature_set_of
from technical_indicators.feature_set import FeatureSet, FeatureSettings
from technical_indicators.looking_back import MOST, WINDOW, LookingBack
from technical_indicators.shadow import ShadowChecker
from technical_indicators.stage import technical_indicators_stage

from .test_revisions import in_order, made_up_candles

MARKET, LEADER = "binance:BTC/USDT", "binance-usdm:BTC/USDT:USDT"
ROWS = 700
ALONE = Plan((MARKET,), "1s", (1,), ("250ms", "1s"))
WITH_LONGER = Plan((MARKET,), "1s", (1,), ("250ms", "1s", "5s"))
TOGETHER = Plan((MARKET, LEADER), "1s", (1,), ("250ms", "1s"), 0, {"pair": (MARKET, LEADER)})
BESIDE = FeatureSettings(
    indicators=["MACD"],
    beside={"250ms": ["RSI"], "1s": ["ROC"], "5s": [{"RSI": {"timeperiod": 2}}]},
)
OF_LEADERS = FeatureSettings(indicators=["MACD", "leader_return", "leader_flow"])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    opened = open_store(f"sqlite:///{tmp_path}/realtime.sqlite")
    yield opened
    opened.close()


def candles_of(plan: Plan) -> list[Candle]:
    """Return the closed candles of all markets of a plan, in the order in which they close."""
    series = [
        [replace(candle, market=market) for candle in made_up_candles(timeframe, length_ms, rows)]
        for market in plan.markets
        for timeframe, length_ms, rows in (
            ("250ms", 250, 4 * ROWS),
            ("1s", 1_000, ROWS),
            *([("5s", 5_000, ROWS // 5)] if "5s" in plan.timeframes else []),
        )
    ]
    return in_order(*series)


class Checked:
    """A plan's part: candles go through its stage, and what it says into the store."""

    def __init__(self, plan: Plan, settings: FeatureSettings, store: SqlStore, folder: Path):
        self.ports = FakePorts(folder, store)
        self.store = store
        self.forged_ms: int | None = None
        self.forged = "macd"
        feature_set = feature_set_of(plan, settings)
        beginnings = Beginnings(technical_indicators_stage(feature_set, plan))
        stage = beginnings.stage
        self.operator = stage.make_operator(stage.key(candles_of(plan)[0]))
        self.checker = ShadowChecker(plan, feature_set, self.ports, beginnings)

    def publish(
        self, candles: Sequence[Candle], stored: Sequence[Candle] | None = None
    ) -> list[Features]:
        """Have candles heard and stored, or others stored, and what follows from them too."""
        said: list[Features] = []
        for candle in candles:
            self.ports.pass_on(candle)
            said += [each for each in self.operator.update(candle) if each.values]
        self.store.write([*(candles if stored is None else stored), *map(self.kept, said)])
        return said

    def kept(self, features: Features) -> Features:
        """Return what is stored of a vector."""
        if features.close_time_ms != self.forged_ms:
            return features
        return replace(features, values=features.values | {self.forged: 7.0})

    def look(self, windows: int = 8) -> Recomputed:
        for _ in range(windows):
            asyncio.run(self.checker.check(MARKET))
        status = self.ports.published[-1][0]
        assert isinstance(status, Status)
        assert (status.market, status.part) == (MARKET, "technical_indicators")
        assert isinstance(status.said, Recomputed)
        return status.said


@pytest.mark.parametrize(
    ("plan", "settings"),
    [(ALONE, FeatureSettings()), (TOGETHER, OF_LEADERS), (WITH_LONGER, BESIDE)],
    ids=["alone", "led", "beside"],
)
def test_what_was_published_is_what_stored_candles_make(
    plan: Plan, settings: FeatureSettings, store: SqlStore, tmp_path: Path
) -> None:
    checked = Checked(plan, settings, store, tmp_path)
    checked.publish(candles_of(plan))
    found = checked.look()
    assert found.windows == 8
    assert found.equal > 8 * WINDOW * 0.8
    assert (found.differing, found.undecided, found.newest) == (0, 0, None)
    assert found.largest is not None
    assert found.largest <= 1e-9
    metrics = checked.ports.metrics.render().decode()
    assert f'realtime_shadow_windows_total{{market="{MARKET}"}} 8.0' in metrics
    assert f'realtime_shadow_vectors_total{{market="{MARKET}",result="differing"}} 0.0' in metrics
    assert f'realtime_shadow_deviation_ratio{{market="{MARKET}"}}' in metrics


def test_a_vector_that_stored_candles_do_not_make_is_told(store: SqlStore, tmp_path: Path) -> None:
    checked = Checked(ALONE, FeatureSettings(), store, tmp_path)
    candles = candles_of(ALONE)
    unheard = candles[-5 * 20 - 1]  # of 1s: never stored as it was
    assert unheard.timeframe == "1s"
    at = candles.index(unheard)
    checked.publish(candles[:at])
    checked.operator.update(replace(unheard, high=unheard.high + 9))
    store.write([unheard])
    checked.publish(candles[at + 1 :])
    found = checked.look()
    assert (found.windows, found.undecided) == (8, 0)
    assert found.differing >= 8  # each window has the vectors of some closes after it
    assert found.largest is not None
    assert found.largest > 1e-9
    assert found.newest is not None
    close_ms = int(str(found.newest["close_time_ms"]))
    [stored] = store.features(MARKET, "1s", close_ms, close_ms + 1)
    assert found.newest["published"] == stored.values[str(found.newest["feature"])]


def test_a_candle_that_was_revised_since_leaves_what_looks_back_on_it_undecided(
    store: SqlStore, tmp_path: Path
) -> None:
    checked = Checked(ALONE, FeatureSettings(), store, tmp_path)
    candles = candles_of(ALONE)
    checked.publish(candles)
    late = [candle for candle in candles if candle.timeframe == "1s"][-60]
    checked.publish([replace(late, revision=1, close=late.close + 0.5, high=late.high + 1)])
    found = checked.look(200)
    assert found.undecided > 0
    assert found.differing == 0
    assert found.equal > 0


def test_a_revision_of_the_certificate_alone_leaves_nothing_undecided(
    store: SqlStore, tmp_path: Path
) -> None:
    checked = Checked(ALONE, FeatureSettings(), store, tmp_path)
    candles = candles_of(ALONE)
    checked.forged_ms = (ROWS - 30) * 1_000
    checked.publish(candles)
    checked.publish([replace(candle, revision=1, complete=False) for candle in candles])
    found = checked.look()
    assert (found.differing >= 6, found.undecided) == (True, 0)  # a few windows lie elsewhere
    assert found.newest is not None
    assert (found.newest["feature"], found.newest["published"]) == ("macd", 7.0)


def test_after_a_start_a_candle_that_was_ever_revised_leaves_differences_undecided(
    store: SqlStore, tmp_path: Path
) -> None:
    checked = Checked(ALONE, FeatureSettings(), store, tmp_path)
    candles = candles_of(ALONE)
    checked.forged_ms = (ROWS - 30) * 1_000
    checked.publish(candles)
    checked.publish([replace(candles[-5 * 40], revision=1, complete=False)])
    anew = Checked(ALONE, FeatureSettings(), store, tmp_path)
    anew.operator.restore(checked.operator.snapshot())
    anew.publish(candles[-2:])
    found = anew.look(1)
    assert (found.differing, found.undecided) == (0, 1)


def test_a_revision_that_is_heard_first_after_a_start_is_not_what_was_first_said(
    store: SqlStore, tmp_path: Path
) -> None:
    checked = Checked(ALONE, FeatureSettings(), store, tmp_path)
    candles = candles_of(ALONE)
    checked.publish(candles[:-5])
    anew = Checked(ALONE, FeatureSettings(), store, tmp_path)
    anew.operator.restore(checked.operator.snapshot())
    late = [candle for candle in candles if candle.timeframe == "1s"][-40]
    anew.publish([replace(late, revision=1, close=late.close + 0.5, high=late.high + 1)])
    anew.publish(candles[-5:])
    found = anew.look()
    assert (found.differing, found.undecided > 0) == (0, True)


def test_a_candle_that_was_revised_and_revised_back_leaves_differences_undecided(
    store: SqlStore, tmp_path: Path
) -> None:
    checked = Checked(ALONE, FeatureSettings(), store, tmp_path)
    candles = candles_of(ALONE)
    late = [candle for candle in candles if candle.timeframe == "1s"][-40]
    at = candles.index(late) + 1
    changed = replace(late, revision=1, close=late.close + 0.5, high=late.high + 1)
    checked.publish([*candles[:at], changed, *candles[at:], replace(late, revision=2)])
    found = checked.look()
    assert (found.differing, found.undecided > 0) == (0, True)


def test_what_an_engine_says_that_began_anew_beside_an_older_store_is_undecided(
    store: SqlStore, tmp_path: Path
) -> None:
    candles = candles_of(ALONE)
    before = Checked(ALONE, FeatureSettings(), store, tmp_path)
    before.publish(candles[: 5 * (ROWS - 90)])
    anew = Checked(ALONE, FeatureSettings(), store, tmp_path)
    anew.publish(candles[5 * (ROWS - 90) :])
    found = anew.look()
    assert (found.differing, found.undecided > 0) == (0, True)


def test_where_an_engine_began_is_known_after_two_restarts(store: SqlStore, tmp_path: Path) -> None:
    candles = candles_of(ALONE)
    began = 5 * (ROWS - 200)
    Checked(ALONE, FeatureSettings(), store, tmp_path).publish(candles[:began])
    kept: bytes | None = None
    for until in (began + 5 * 150, began + 5 * 190, len(candles)):  # then a snapshot is full
        anew = Checked(ALONE, FeatureSettings(), store, tmp_path)
        if kept is not None:
            anew.operator.restore(kept)
        anew.publish(candles[began:until])
        began, kept = until, anew.operator.snapshot()
    found = anew.look(100)
    assert (found.differing, found.undecided > 0) == (0, True)


def test_what_a_release_before_beginnings_kept_is_read() -> None:
    feature_set = feature_set_of(ALONE, FeatureSettings())
    stage = technical_indicators_stage(feature_set, ALONE)
    kept = msgspec.msgpack.decode(after(stage.make_operator(MARKET), candles_of(ALONE)))
    engine = stage.make_operator(MARKET)
    engine.restore(msgspec.msgpack.encode(kept[:2]))
    assert msgspec.msgpack.decode(engine.snapshot()) == [*kept[:4], [], *kept[5:]]


def test_where_an_engine_that_was_made_anew_began_before_is_not_forgotten() -> None:
    feature_set = feature_set_of(ALONE, FeatureSettings())
    beginnings = Beginnings(technical_indicators_stage(feature_set, ALONE))
    assert beginnings.of(MARKET) == []
    candles = candles_of(ALONE)
    first, fourth = (beginnings.stage.make_operator(MARKET) for _ in range(2))
    assert beginnings.of(MARKET) == []
    fourth.restore(after(first, candles))
    assert beginnings.of(MARKET) == [1_000]  # snapshots keep it
    second = beginnings.stage.make_operator(MARKET)
    after(second, candles[10:20])
    third = beginnings.stage.make_operator(MARKET)
    assert beginnings.of(MARKET) == [1_000, 3_000]
    third.restore(after(fourth, candles[-10:]))
    assert beginnings.of(MARKET) == [1_000, 3_000]
    third = beginnings.stage.make_operator(MARKET)
    third.restore(second.snapshot())
    assert beginnings.of(MARKET) == [1_000, 3_000]


def after(operator: Operator[Candle, Features], candles: Sequence[Candle]) -> bytes:
    """Return the snapshot of an operator that has folded candles."""
    for candle in candles:
        operator.update(candle)
    return operator.snapshot()


@pytest.mark.parametrize("stored_s", [0, 30], ids=["nothing", "the end"])
def test_vectors_whose_leader_is_not_stored_are_undecided(
    stored_s: int, store: SqlStore, tmp_path: Path
) -> None:
    checked = Checked(TOGETHER, OF_LEADERS, store, tmp_path)
    candles = candles_of(TOGETHER)
    from_ms = (ROWS - stored_s) * 1_000
    checked.publish(
        candles, [each for each in candles if each.market == MARKET or each.open_time_ms >= from_ms]
    )
    found = checked.look()
    assert (found.differing, found.undecided > 0) == (0, True)


def test_markets_that_another_process_hears_are_left_to_it(store: SqlStore, tmp_path: Path) -> None:
    one, other = (Checked(ALONE, FeatureSettings(), store, tmp_path) for _ in range(2))
    candles = candles_of(ALONE)
    one.publish(candles[: -5 * 60])
    other.operator.restore(one.operator.snapshot())
    other.publish(candles[-5 * 60 :])  # the market has moved
    asyncio.run(one.checker.check(MARKET))
    assert (one.checker.found[MARKET].windows, one.ports.published) == (0, [])
    assert other.look(1).windows == 1


def test_a_longer_candle_that_was_not_stored_leaves_differences_undecided(
    store: SqlStore, tmp_path: Path
) -> None:
    checked = Checked(WITH_LONGER, BESIDE, store, tmp_path)
    candles = candles_of(WITH_LONGER)
    lost = candles[-5 * 25 - 1]
    while lost.timeframe != "5s":
        lost = candles[candles.index(lost) - 1]
    checked.publish(candles, [each for each in candles if each is not lost])
    found = checked.look()
    assert found.differing == 0
    assert found.undecided > 0


LONG = FeatureSettings(indicators=["ROC"], beside={"5s": ["RSI"]})


def begun_anew(store: SqlStore, folder: Path, forged: str, closes: int) -> Recomputed:
    """Look at what an engine said that began so many closes ago, one vector of it forged."""
    candles = candles_of(WITH_LONGER)
    began = next(
        i for i, each in enumerate(candles) if each.close_time_ms > 1_000 * (ROWS - closes)
    )
    Checked(WITH_LONGER, LONG, store, folder).publish(candles[:began])
    anew = Checked(WITH_LONGER, LONG, store, folder)
    anew.forged_ms, anew.forged = (ROWS - 30) * 1_000, forged
    anew.publish(candles[began:])
    return anew.look(40)


def test_short_features_are_judged_though_long_candles_have_not_been_for_long_enough(
    store: SqlStore, tmp_path: Path
) -> None:
    found = begun_anew(store, tmp_path, "roc", 200)
    assert found.newest is not None
    assert found.newest["feature"] == "roc"
    assert found.differing > 0


@pytest.mark.parametrize(("forged", "closes"), [("roc", 60), ("rsi_5s", 200)])
def test_none_is_judged_before_its_own_reach(
    forged: str, closes: int, store: SqlStore, tmp_path: Path
) -> None:
    found = begun_anew(store, tmp_path, forged, closes)
    assert (found.differing, found.undecided > 0) == (0, True)


@pytest.mark.parametrize(("timeframe", "base"), [("1m", "250ms"), ("1h", "250ms"), ("1m", "1s")])
def test_a_window_is_as_short_as_its_candles_are_many(timeframe: str, base: str) -> None:
    back = LookingBack.of(FeatureSet(timeframe, base, FeatureSettings()))
    finer = timeframe_ms(timeframe) // timeframe_ms(base)
    candles = back.window * (1 + finer) + back.closes_ms / timeframe_ms(timeframe)
    assert 1 <= back.window <= WINDOW
    assert candles + back.base_ms / timeframe_ms(base) < MOST


def test_base_candles_are_not_wanted_from_before_those_that_features_look_back_on(
    store: SqlStore, tmp_path: Path
) -> None:
    plan = Plan((MARKET,), "1m", (1,), ("1s", "1m"))
    checked = Checked(plan, FeatureSettings(), store, tmp_path)
    base, candles = made_up_candles("1s", 1_000, 60 * 70), made_up_candles("1m", 60_000, 600)
    first_ms = 530 * 60_000
    base = [
        replace(
            each,
            open_time_ms=each.open_time_ms + first_ms,
            close_time_ms=each.close_time_ms + first_ms,
        )
        for each in base
    ]
    checked.publish(in_order(base, candles))
    found = checked.look(1)
    assert (found.equal, found.differing, found.undecided) == (WINDOW, 0, 0)


def test_where_a_single_close_takes_too_many_candles_nothing_is_checked(
    tmp_path: Path,
) -> None:
    plan = Plan((MARKET,), "1d", (1,), ("250ms", "1d"))
    told: list[str] = []
    sink = logger.add(told.append, format="{message}")
    try:
        part = build(plan, FeatureSettings(), FakePorts(tmp_path))
    finally:
        logger.remove(sink)
    assert (part.work, len(told)) == (None, 1)
    assert "looks back on too many candles" in told[0]


def test_of_nothing_that_was_published_nothing_is_said(store: SqlStore, tmp_path: Path) -> None:
    checked = Checked(ALONE, FeatureSettings(), store, tmp_path)
    checked.ports.pass_on(candles_of(ALONE)[0])
    assert checked.look(1) == Recomputed(0, 0, 0, 0)


def test_without_a_store_it_waits(tmp_path: Path) -> None:
    ports = FakePorts(tmp_path)
    feature_set = feature_set_of(ALONE, FeatureSettings())
    beginnings = Beginnings(technical_indicators_stage(feature_set, ALONE))
    checker = ShadowChecker(ALONE, feature_set, ports, beginnings)
    ports.pass_on(candles_of(ALONE)[0])
    asyncio.run(checker.check(MARKET))
    assert (checker.found[MARKET], ports.published) == (Recomputed(0, 0, 0, 0), [])


def test_it_can_be_turned_off(tmp_path: Path) -> None:
    assert build(ALONE, FeatureSettings(shadow_every_s=0), FakePorts(tmp_path)).work is None
    assert build(ALONE, FeatureSettings(), FakePorts(tmp_path)).work is not None
