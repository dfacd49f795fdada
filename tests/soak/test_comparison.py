"""The comparison of stored candles with the truth finds each thing that can be wrong with them."""

from __future__ import annotations

import time

import msgspec
import numpy as np
import pytest

from candles.aggregation import CandleAggregator
from exchange_simulator import SeededMarket
from exchange_simulator.market.messages import trades_messages
from marketstream.messages import Candle, Gap
from realtime_bench.soak.comparison import Comparison, compare, table
from realtime_bench.soak.truth import Truth, true_candles, truth_of

MARKET = "simulator:BTC/USDT"
FROM_US = 1_700_000_000_000_000
TO_US = FROM_US + 20_000_000
TAPE = SeededMarket("BTC/USDT", 3)
TRUTH = truth_of(TAPE, FROM_US, TO_US)


def true_ones() -> list[Candle]:
    aggregator = CandleAggregator(MARKET, ["1s"])
    messages = trades_messages(TAPE, MARKET, FROM_US, TO_US + 1_000_000)
    folded = [candle for message in messages for candle in aggregator.update(message)]
    inside = [candle for candle in folded if candle.close_time_ms * 1_000 <= TO_US]
    return [msgspec.structs.replace(candle, complete=True) for candle in inside]


def compared(candles: list[Candle], *gaps: Gap) -> Comparison:
    return compare(MARKET, "1s", candles, gaps, [], TRUTH)


def changed(place: int, **changes: object) -> list[Candle]:
    candles = true_ones()
    candles[place] = msgspec.structs.replace(candles[place], **changes)
    return candles


def test_true_candles_keep_every_claim() -> None:
    found = compared(true_ones())
    assert found.kept
    assert found.candles == found.complete >= 18
    assert found.trades > 500


def test_nothing_stored_keeps_no_claim() -> None:
    assert not compared([]).kept


@pytest.mark.parametrize(
    ("changes", "claim"),
    [
        ({"trade_count": 0}, "lost"),
        ({"trade_count": 10_000}, "doubled"),
        ({"high": 1.0}, "wrong"),
        ({"volume": 1e9}, "wrong"),
        ({"last_trade_id": 5}, "wrong"),
        ({"complete": None}, "needlessly_incomplete"),
        ({"complete": False}, "needlessly_incomplete"),
    ],
)
def test_what_is_wrong_with_a_candle_is_said(changes: dict[str, object], claim: str) -> None:
    candles = changed(5, **changes)
    found = compared(candles)
    assert {one.claim for one in found.violations} == {claim}
    assert [one.open_time_ms for one in found.violations] == [candles[5].open_time_ms]
    assert getattr(found, claim) > 0


def test_a_candle_that_is_not_there_is_lost_and_one_stored_twice_is_doubled() -> None:
    candles = true_ones()
    without = compared(candles[:5] + candles[6:])
    assert without.lost == candles[5].trade_count
    assert compared([*candles, candles[5]]).doubled == candles[5].trade_count


def test_what_is_declared_lost_excuses_a_candle_that_says_so_but_not_one_that_does_not() -> None:
    candles = changed(5, complete=False, trade_count=1)
    place = candles[5]
    gap = Gap(MARKET, 1, 2, place.open_time_ms * 1_000 + 1, place.open_time_ms * 1_000 + 2, "lost")
    found = compared(candles, gap)
    assert found.kept
    assert found.declared_missing > 0
    assert compared(changed(5, trade_count=1), gap).lost > 0


def test_candles_that_have_not_settled_may_wait_for_proof() -> None:
    candles = changed(-1, complete=None)
    until_ms = candles[-1].open_time_ms
    found = compare(MARKET, "1s", candles, [], [], TRUTH, settled_until_ms=until_ms)
    assert found.kept


def test_the_table_has_a_line_for_each_timeframe_and_one_for_the_gaps() -> None:
    gap = Gap(MARKET, 1, 2, 1, 2, "repaired")
    lines = table([compared(true_ones(), gap)]).splitlines()
    assert len(lines) == 3
    assert lines[2] == f"{MARKET}: gaps 1 repaired; stalls none"


def test_a_million_trades_take_less_than_seconds() -> None:
    count = 1_000_000
    times = np.arange(count, dtype=np.int64) * 1_000
    ones = np.ones(count)
    truth = Truth(np.arange(count), times, ones, ones, ones > 0)
    opens = np.arange(0, count * 1_000, 250_000)
    started = time.perf_counter()
    folded = true_candles(truth, opens, opens + 250_000)
    assert time.perf_counter() - started < 2
    assert folded.volume.tolist() == [250.0] * len(opens)
