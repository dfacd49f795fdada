"""The shadow checker on what a market's stages said, stored as the storekeeper stores it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from marketstream.fakes import FakePorts
from marketstream.messages import Candle, Features, Recomputed, Status
from marketstream.plan import Plan
from marketstream.store.sql import SqlStore, open_store
from technical_indicators import shadow
from technical_indicators.build import build, feature_set_of
from technical_indicators.feature_set import FeatureSettings
from technical_indicators.shadow import ShadowChecker

from .test_revisions import in_order, made_up_candles

MARKET, LEADER = "binance:BTC/USDT", "binance-usdm:BTC/USDT:USDT"
ROWS = 700
ALONE = Plan((MARKET,), "1s", (1,), ("250ms", "1s"))
TOGETHER = Plan((MARKET, LEADER), "1s", (1,), ("250ms", "1s"), 0, {"pair": (MARKET, LEADER)})
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
        for timeframe, length_ms, rows in (("250ms", 250, 4 * ROWS), ("1s", 1_000, ROWS))
    ]
    return in_order(*series)


class Checked:
    """A plan's part: candles go through its stage, and what it says into the store."""

    def __init__(self, plan: Plan, settings: FeatureSettings, store: SqlStore, folder: Path):
        self.ports = FakePorts(folder, store)
        self.store = store
        self.forged_ms: int | None = None
        feature_set = feature_set_of(plan, settings)
        (self.stage,) = build(plan, settings, FakePorts(folder)).stages
        self.operator = self.stage.make_operator(plan.group_of(MARKET))
        self.checker = ShadowChecker(plan, feature_set, self.ports)

    def publish(self, candles: Sequence[Candle]) -> list[Features]:
        """Have candles heard and stored, and what follows from them stored too."""
        said: list[Features] = []
        for candle in candles:
            self.ports.pass_on(candle)
            said += [each for each in self.operator.update(candle) if each.values]
        self.store.write([*candles, *map(self.kept, said)])
        return said

    def kept(self, features: Features) -> Features:
        """Return what is stored of a vector."""
        if features.close_time_ms != self.forged_ms:
            return features
        return replace(features, values=features.values | {"macd": 7.0})

    def look(self, windows: int = 8) -> Recomputed:
        for _ in range(windows):
            asyncio.run(self.checker.check(MARKET))
        status = self.ports.published[-1][0]
        assert isinstance(status, Status)
        assert (status.market, status.part) == (MARKET, "technical_indicators")
        assert isinstance(status.said, Recomputed)
        return status.said


@pytest.mark.parametrize(
    ("plan", "settings"), [(ALONE, FeatureSettings()), (TOGETHER, OF_LEADERS)], ids=["alone", "led"]
)
def test_what_was_published_is_what_stored_candles_make(
    plan: Plan, settings: FeatureSettings, store: SqlStore, tmp_path: Path
) -> None:
    checked = Checked(plan, settings, store, tmp_path)
    checked.publish(candles_of(plan))
    found = checked.look()
    assert found.windows == 8
    assert found.equal > 8 * shadow.WINDOW * 0.8
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
    anew = ShadowChecker(ALONE, feature_set_of(ALONE, FeatureSettings()), checked.ports)
    asyncio.run(anew.check(MARKET))
    assert (anew.found[MARKET].differing, anew.found[MARKET].undecided) == (0, 1)


def test_of_nothing_that_was_published_nothing_is_said(store: SqlStore, tmp_path: Path) -> None:
    checked = Checked(ALONE, FeatureSettings(), store, tmp_path)
    assert checked.look(1) == Recomputed(0, 0, 0, 0)


def test_without_a_store_it_waits(tmp_path: Path) -> None:
    ports = FakePorts(tmp_path)
    checker = ShadowChecker(ALONE, feature_set_of(ALONE, FeatureSettings()), ports)
    asyncio.run(checker.check(MARKET))
    assert checker.found[MARKET] == Recomputed(0, 0, 0, 0)


def test_it_can_be_turned_off(tmp_path: Path) -> None:
    assert build(ALONE, FeatureSettings(shadow_every_s=0), FakePorts(tmp_path)).work is None
    assert build(ALONE, FeatureSettings(), FakePorts(tmp_path)).work is not None
