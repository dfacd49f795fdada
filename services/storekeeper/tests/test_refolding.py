"""Trades folded anew equal, to the last bit, what the operator made of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from candles.aggregation import CandleAggregator
from marketstream.messages import Candle, Trade, Trades
from storekeeper.refolding import DisagreementError, Refold

MARKET = "binance:BTC/USDT"
_BEGIN_MS = 1_790_000_000_000


def trade(number: int, at_ms: int, price: float = 100.0, count: int = 1) -> Trade:
    return Trade(number, price, 0.1, "buy", (_BEGIN_MS + at_ms) * 1_000, count)


@st.composite
def markets(draw: st.DrawFn) -> list[Trade]:
    """Trades with ids in a row, some of several fills, whose times may lag behind a little."""
    trades, number, at_ms = [], 1_000, 0
    for _ in range(draw(st.integers(1, 60))):
        at_ms += draw(st.sampled_from([0, 0, 1, 40, 249, 250, 700, 2_300]))
        count = draw(st.sampled_from([1, 1, 1, 5]))
        number += count
        trades.append(
            Trade(
                number,
                draw(st.integers(1, 10**7)) / 100,
                draw(st.integers(1, 10**9)) / 10**5,
                draw(st.sampled_from(["buy", "sell"])),
                (_BEGIN_MS + at_ms - draw(st.sampled_from([0, 0, 0, 30]))) * 1_000,
                count,
            )
        )
    return trades


@given(markets())
def test_refolded_candles_equal_the_operator_s(trades: list[Trade]) -> None:
    seen_us = max(one.time_us for one in trades) + 3_000_000
    first = trade(1_000, -2_000)
    aggregator = CandleAggregator(MARKET, ["250ms", "1s"])
    closed = aggregator.update(Trades(MARKET, (first, *trades), None, seen_us))
    expected = {one.identity: one for one in closed}
    after = [one for one in expected.values() if one.open_time_ms >= _BEGIN_MS - 1_000]
    refold = Refold([(one.open_time_ms, one.close_time_ms) for one in after], {})
    refold.add([first])
    refold.add(trades)
    assert refold.begins
    for one in after:
        made = refold.candle(MARKET, one.timeframe, (one.open_time_ms, one.close_time_ms))
        assert _told(made) == _told(one)


def _told(candle: Candle) -> Candle:
    return replace(
        candle, revision=0, complete=True, filled=False, late_count=0, expected_count=None
    )


def test_ids_that_are_left_out_are_no_candle() -> None:
    refold = Refold([(_BEGIN_MS, _BEGIN_MS + 1_000)], {})
    refold.add([trade(1, -5)])
    with pytest.raises(DisagreementError, match="leaves out trades 2 to 3"):
        refold.add([trade(4, 5)])


def test_it_ends_only_once_no_later_trade_can_belong_to_it() -> None:
    refold = Refold([(_BEGIN_MS, _BEGIN_MS + 1_000)], {})
    refold.add([trade(1, -5), trade(2, 1_100)])
    assert refold.begins
    assert not refold.ends
    refold.add([trade(3, 2_000)])
    assert refold.ends


def test_a_first_trade_inside_leaves_the_begin_unproven() -> None:
    refold = Refold([(_BEGIN_MS, _BEGIN_MS + 1_000)], {})
    refold.add([trade(5, 5)])
    assert not refold.begins


def test_most_witnesses_have_to_agree() -> None:
    interval = (_BEGIN_MS - 1_000, _BEGIN_MS)
    known = {1: (100.0, interval), 2: (100.0, interval), 3: (77.0, interval)}
    true = Refold([(_BEGIN_MS, _BEGIN_MS + 1_000)], known)
    true.add([trade(3, -5, count=3)])
    true.check()
    other = Refold([(_BEGIN_MS, _BEGIN_MS + 1_000)], known)
    other.add([trade(3, -5, price=77.5, count=3)])
    with pytest.raises(DisagreementError, match="3 trades that are known"):
        other.check()
