"""The contract of the indicators of `leaders/`, and of the engine in which decisions wait."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from marketstream.columns import FeatureTable
from marketstream.errors import SettingsError
from marketstream.messages import Candle, Context, Features, Funding, Reading
from marketstream.plan import Plan
from technical_indicators.batch import feature_table
from technical_indicators.build import feature_set_of
from technical_indicators.feature_set import FeatureSet
from technical_indicators.group_operator import GroupEngine
from technical_indicators.leader_indicator import leader_names

from .markets import (
    BASE_MS,
    MARKET,
    ROWS,
    START_MS,
    Entry,
    as_is,
    blind,
    changed,
    crossed,
    decided,
    in_order,
    moving,
    of,
    settings_of,
    still,
    with_holes,
)

LEADER, SECOND = "binance-usdm:BTC/USDT:USDT", "kraken:BTC/USD"
SPANS = ("leader_return", "leader_flow", "leader_basis_change", "leader_open_interest_change")
ENTRIES: list[Entry] = [
    *leader_names(),
    *({name: {"seconds": seconds}} for name in SPANS for seconds in (0.25, 5)),
    *({name: {"leader": 2}} for name in leader_names()),
]


def backwards(market: str, base: Sequence[Candle]) -> list[Candle]:
    """Return candles of another market: what was, from the end to the beginning."""
    times = [(candle.open_time_ms, candle.close_time_ms) for candle in base]
    return [
        replace(candle, market=market, open_time_ms=opened, close_time_ms=closed)
        for candle, (opened, closed) in zip(reversed(base), times, strict=True)
    ]


def now_and_then(market: str) -> list[Candle]:
    return backwards(market, changed(as_is, as_is, as_is, still, blind, crossed))


LEADERS: dict[str, Callable[[str], list[Candle]]] = {
    "moving": lambda market: backwards(market, moving()),
    "still": lambda market: [still(candle) for candle in backwards(market, moving())],
    "blind": lambda market: [blind(candle) for candle in backwards(market, moving())],
    "now and then": now_and_then,
    "with holes": lambda market: [replace(candle, market=market) for candle in with_holes()],
    "begins late": lambda market: backwards(market, moving())[333:],
}


def engine_of(feature_set: FeatureSet) -> GroupEngine:
    return GroupEngine((MARKET, LEADER, SECOND), feature_set, 64)


def together(*markets: Sequence[Candle]) -> list[Candle]:
    """Return the candles of markets by the time of their close, the first market's first."""
    candles = [candle for base in markets for candle in base]
    return sorted(candles, key=lambda candle: candle.close_time_ms)


def vectors(engine: GroupEngine, candles: Sequence[Candle], market: str = MARKET) -> list[Features]:
    made = [features for candle in candles for features in engine.update(candle)]
    return [each for each in made if each.values and each.market == market]


def led(values: Features, name: str) -> float | None:
    return values.values[name]


@pytest.mark.parametrize("kind", LEADERS)
def test_they_stream_the_same_bits_as_in_columns(kind: str) -> None:
    feature_set = of(*ENTRIES)
    base, leader = with_holes(), LEADERS[kind](LEADER)
    second = LEADERS["now and then"](SECOND)
    candles = together(in_order(base), leader, second)
    live = FeatureTable.of(vectors(engine_of(feature_set), candles)[:-1])
    batch = feature_table(decided(base)[: len(live)], base, feature_set, (leader, second))
    assert live.names == batch.names == feature_set.names
    for column, name in enumerate(live.names):
        np.testing.assert_array_equal(
            live.values[:, column], batch.values[:, column], err_msg=name, strict=True
        )
    known = np.isfinite(batch.columns(feature_set.leader_names)).any(axis=0)
    assert known.all() == (kind not in ("still", "blind"))


def pair(
    *ends: tuple[float, float], leader: dict[str, Any] | None = None
) -> tuple[list[Candle], list[Candle]]:
    """Return base candles of a market and its leader that end at these mids, with 3 bid for 1."""

    def candle(market: str, row: int, mid: float, **others: Any) -> Candle:
        told = {
            "volume": 4.0, "taker_buy_volume": 3.0, "trade_count": 2, "quote_volume": 4 * mid,
            "bid": mid - 1, "ask": mid + 1, "bid_quantity": 3.0, "ask_quantity": 1.0,
        }  # fmt: skip
        return Candle(
            market=market, timeframe="250ms",
            open_time_ms=START_MS + row * BASE_MS, close_time_ms=START_MS + (row + 1) * BASE_MS,
            open=mid, high=mid, low=mid, close=mid, taker_buy_quote_volume=3 * mid,
            **(told | others),
        )  # fmt: skip

    own = [candle(MARKET, row, mid) for row, (mid, _) in enumerate(ends)]
    others = leader or {}
    return own, [candle(LEADER, row, mid, **others) for row, (_, mid) in enumerate(ends)]


def test_each_is_what_its_page_says() -> None:
    own, leader = pair((100, 200), (100, 200), (100, 202), (101, 202), (100, 204))
    time_us = leader[-1].close_time_ms * 1_000 - 1
    for row, one in enumerate(leader):
        told = Context(
            time_us, index=Reading(200.0, time_us), funding=Funding(-0.0003, time_us),
            open_interest=Reading(1_000.0 + row, time_us),
        )  # fmt: skip
        leader[row] = replace(one, context=told)
    entries: list[Entry] = [*leader_names()]
    entries[entries.index("leader_open_interest_change")] = {
        "leader_open_interest_change": {"seconds": 1}
    }
    feature_set = FeatureSet("250ms", "250ms", settings_of(*entries, {
        "leader_return": {"seconds": 0.5}}))  # fmt: skip
    values = feature_table(own, own, feature_set, (leader,)).columns(feature_set.leader_names)[-1]
    assert dict(zip(feature_set.leader_names, values.tolist(), strict=True)) == {
        "leader_age": 0.0,
        "leader_basis": log(204) - log(100),
        "leader_basis_change": (log(204) - log(100)) - (log(200) - log(100)),
        "leader_flow": 0.5,
        "leader_funding_rate": -0.0003 * 10_000,
        "leader_imbalance": 0.5,
        "leader_index_basis": (204 - 200) / 200 * 10_000,
        "leader_open_interest_change_1": 4 / 1_000 * 10_000,
        "leader_return": 4 / 200,
        "leader_return_0.5": 2 / 202,
    }


def test_a_leader_of_which_nothing_is_told_or_long_ago_says_nothing_of_that() -> None:
    names = ("leader_funding_rate", "leader_index_basis")
    own, leader = pair(*[(100, 200)] * 5)
    old_us = leader[-1].close_time_ms * 1_000 - 15_000_001
    told = Context(old_us, index=Reading(200.0, old_us), funding=Funding(0.0001, old_us))
    for context, known in ((None, [False, False]), (told, [True, False])):
        base = [replace(one, context=context) for one in leader]
        feature_set = FeatureSet("250ms", "250ms", settings_of(*names))
        values = feature_table(own, own, feature_set, (base,)).columns(feature_set.leader_names)
        assert np.isfinite(values[-1]).tolist() == known


def test_a_leader_that_is_silent_for_more_than_ten_seconds_is_missing() -> None:
    own, leader = pair(*[(100, 200)] * 60, leader={"trade_count": 0, "volume": 0.0})
    leader[0] = replace(leader[0], trade_count=1)
    feature_set = FeatureSet("250ms", "250ms", settings_of("leader_age", "leader_imbalance"))
    age, imbalance = (
        feature_table(own, own, feature_set, (leader,)).columns(feature_set.leader_names).T
    )
    assert age[:41].tolist() == [0.25 * row for row in range(41)]
    assert np.isnan(age[41:]).all()
    assert imbalance[40] == 0.5
    assert np.isnan(imbalance[41:]).all()


def test_a_vector_waits_for_its_leaders_candle_of_the_same_close() -> None:
    feature_set = of("leader_return")
    own, leader = list(moving()[:8]), backwards(LEADER, moving())[:8]
    engine = GroupEngine((MARKET, LEADER), feature_set, 64)
    assert vectors(engine, together(in_order(own[:7]), leader[:7]))
    close, second = in_order(own)[-2:]
    assert [features.values for features in engine.update(close)] == [{}]
    assert engine.update(second) == []
    [vector] = vectors(engine, leader[7:])
    now, then = leader[7].mid, leader[3].mid
    assert now is not None
    assert then is not None
    assert (vector.market, vector.close_time_ms) == (MARKET, own[7].close_time_ms)
    assert led(vector, "leader_return") == (now - then) / then


def test_a_vector_goes_without_once_its_market_has_gone_on_and_then_none_waits() -> None:
    feature_set = of("leader_return", "RSI")
    own, leader = list(moving()), backwards(LEADER, moving())
    engine = GroupEngine((MARKET, LEADER), feature_set, 64)
    early = vectors(engine, together(in_order(own[:83]), leader[:83]))
    [late] = vectors(engine, in_order(own[83:85]))
    assert late.close_time_ms == own[83].close_time_ms
    assert led(early[-1], "leader_return") is not None
    assert led(late, "leader_return") is None
    assert led(late, "rsi") is not None
    [stalled] = vectors(engine, in_order(own[85:88]))
    assert (stalled.close_time_ms, led(stalled, "leader_return")) == (own[87].close_time_ms, None)
    again = vectors(engine, together(leader[83:92], in_order(own[88:92])))
    assert [led(each, "leader_return") is not None for each in again] == [True]


def test_a_preview_says_of_leaders_what_the_last_base_close_did() -> None:
    feature_set = of("leader_basis", "book_imbalance")
    own, leader = list(moving()[:9]), backwards(LEADER, moving())[:9]
    engine = GroupEngine((MARKET, LEADER), feature_set, 64)
    made = vectors(engine, together(in_order(own[:8]), leader[:8]))
    forming = replace(decided(own[:8])[-1], open_time_ms=own[8].open_time_ms, state="forming")
    [preview] = engine.update(forming)
    assert (preview.forming, led(preview, "leader_basis")) == (
        True, led(made[-1], "leader_basis"),
    )  # fmt: skip


def test_while_a_vector_waits_there_are_no_previews_of_what_follows() -> None:
    own, leader = list(moving()[:8]), backwards(LEADER, moving())[:8]
    engine = GroupEngine((MARKET, LEADER), of("leader_basis"), 64)
    vectors(engine, together(in_order(own), leader[:7]))
    assert engine.update(replace(decided(own)[-1], state="forming")) == []
    assert len(vectors(engine, leader[7:])) == 1
    assert len(engine.update(replace(decided(own)[-1], state="forming"))) == 1


@pytest.mark.parametrize("cut", [0, 1, 3, 500, 501, 502, 503, 504, 1_031, 2_000])
@pytest.mark.parametrize("kind", ["now and then", "with holes"])
def test_after_a_restart_anywhere_it_goes_on_with_the_same_bits(cut: int, kind: str) -> None:
    feature_set = of(*ENTRIES, "flow_share")
    candles = together(in_order(moving()), LEADERS[kind](LEADER), LEADERS["moving"](SECOND))
    whole, before, after = (engine_of(feature_set) for _ in range(3))
    expected = [features for candle in candles for features in whole.update(candle)]
    made = [features for candle in candles[:cut] for features in before.update(candle)]
    after.restore(before.snapshot())
    assert after.snapshot() == before.snapshot()
    made += [features for candle in candles[cut:] for features in after.update(candle)]
    assert made == expected
    assert after.snapshot() == whole.snapshot()


def test_a_leaders_candle_revised_counts_as_it_is_now() -> None:
    feature_set = of("leader_flow")
    own, leader = list(moving()[:16]), backwards(LEADER, moving())[:16]
    engine = GroupEngine((MARKET, LEADER), feature_set, 64)
    vectors(engine, together(in_order(own[:15]), leader[:15]))
    leader[13] = replace(leader[13], volume=50.0, taker_buy_volume=50.0, revision=1)
    assert engine.update(leader[13]) == []
    [now] = vectors(engine, together(in_order(own[15:]), leader[15:]))
    batch = feature_table(decided(own), own, feature_set, (leader,))
    assert led(now, "leader_flow") == batch.columns(["leader_flow"])[-1, 0]


def test_what_a_leader_does_later_is_not_known() -> None:
    feature_set = of(*ENTRIES, base="250ms")
    own, leader = list(moving()), backwards(LEADER, moving())
    whole = feature_table(decided(own), own, feature_set, (leader,)).columns(
        feature_set.leader_names
    )
    for row in (4, 333, ROWS - 8):
        other = [*leader[:row], *map(still, leader[row:])]
        then = feature_table(decided(own), own, feature_set, (other,))
        np.testing.assert_array_equal(
            then.columns(feature_set.leader_names)[: row // 4], whole[: row // 4]
        )


def test_a_market_without_another_to_look_at_is_refused_by_name() -> None:
    groups = {"bitcoin": (MARKET, LEADER)}
    plan = Plan((MARKET, LEADER, SECOND), "1s", (1,), groups=groups)
    one, two = (settings_of({"leader_basis": {"leader": number}}) for number in (1, 2))
    with pytest.raises(SettingsError, match="leader_basis is of another market, and kraken:BTC"):
        feature_set_of(plan, one)
    grouped = Plan((MARKET, LEADER), "1s", (1,), groups=groups)
    with pytest.raises(SettingsError, match=r"leader2_basis .* has 1 beside it .* 2 are wanted"):
        feature_set_of(grouped, two)
    assert feature_set_of(grouped, one).names[-1] == "leader_basis"
    assert feature_set_of(plan, settings_of("RSI")).version == of("RSI").version


def test_another_leader_makes_another_feature_set() -> None:
    settings = settings_of("leader_basis")
    versions = {
        feature_set_of(Plan((MARKET, other), "1s", (1,), groups={"one": (MARKET, other)}), settings)
        .version
        for other in (LEADER, SECOND)
    }  # fmt: skip
    assert len(versions) == 2
