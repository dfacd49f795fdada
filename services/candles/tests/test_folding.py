from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from candles.bar import Bar
from candles.folding import fold
from marketstream.messages import Trade

PRICE_DECIMALS, QUANTITY_DECIMALS = 2, 8


def trades_of(*amounts: tuple[int, int], first_id: int = 7) -> list[Trade]:
    """Return trades of prices and quantities in whole units, bought and sold in turn."""
    return [
        Trade(
            first_id + number,
            price / 10**PRICE_DECIMALS,
            quantity / 10**QUANTITY_DECIMALS,
            "sell" if number % 2 else "buy",
            number,
        )
        for number, (price, quantity) in enumerate(amounts)
    ]


def folded(trades: list[Trade], bar: Bar) -> int:
    return fold(
        bar, trades, 0,
        last_id=6, last_us=0, end_us=1_000_000,
        price_decimals=PRICE_DECIMALS, quantity_decimals=QUANTITY_DECIMALS,
    )  # fmt: skip


@pytest.mark.parametrize("quantity", [1, 3, 2**49 - 1, 2**51 - 1, 2**51 + 1, 2**52 - 1])
def test_sums_are_exact_however_large_they_are(quantity: int) -> None:
    amounts = [(5_800_001, quantity), (5_800_003, quantity), (5_800_007, 1)]
    bar = Bar()
    assert folded(trades_of(*amounts), bar) == 3
    assert bar.volume == 2 * quantity + 1
    assert bar.quote_volume == sum(price * quantity for price, quantity in amounts)
    assert bar.taker_buy_volume == quantity + 1
    assert bar.taker_buy_quote_volume == 5_800_001 * quantity + 5_800_007


@given(
    st.lists(
        st.tuples(st.integers(1, 10**9), st.integers(1, 2**51) | st.integers(1, 10**6)),
        min_size=1,
        max_size=20,
    )
)
def test_a_bar_is_that_of_whole_numbers_added_one_by_one(amounts: list[tuple[int, int]]) -> None:
    trades = trades_of(*amounts)
    bar, one_by_one = Bar(), Bar()
    assert folded(trades, bar) == len(trades)
    for trade, (price, quantity) in zip(trades, amounts, strict=True):
        alone = Bar()
        alone.opened = alone.closed = (trade.time_us, trade.id, trade.price)
        alone.high = alone.low = trade.price
        alone.first_id = alone.last_id = trade.id
        alone.trade_count, alone.volume, alone.quote_volume = 1, quantity, price * quantity
        if trade.taker == "buy":
            alone.bought, alone.taker_buy_volume = alone.opened, quantity
            alone.taker_buy_quote_volume = price * quantity
        else:
            alone.sold = alone.opened
        one_by_one.merge(alone)
    assert bar.state() == one_by_one.state()


def test_a_trade_of_more_decimals_ends_the_run_and_what_came_before_it_counts() -> None:
    trades = trades_of((100, 5), (101, 6), (102, 7))
    trades[2] = Trade(9, 1.021, 1.0, "buy", 2)
    bar = Bar()
    assert folded(trades, bar) == 2
    assert (bar.trade_count, bar.last_id, bar.volume) == (2, 8, 11)
