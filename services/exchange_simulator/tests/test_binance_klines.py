from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange_simulator.market.tape import TradeColumns
from exchange_simulator.serving.klines import INTERVALS_US, end_of, fold, joined, open_of

MINUTE_US = 60_000_000


def trades(*rows: tuple[int, int, int, bool]) -> TradeColumns:
    """Return trades of time, price, quantity and maker; ids run from 1."""
    time_us, price, quantity, maker = zip(*rows, strict=True)
    ids = np.arange(1, len(rows) + 1, dtype=np.int64)
    numbers = (np.array(column, np.int64) for column in (time_us, price, quantity))
    return TradeColumns(ids, *numbers, np.array(maker, np.bool_), ids)


def at(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp()) * 1_000_000


def test_kline_has_the_twelve_fields_of_its_trades() -> None:
    (kline,) = fold(trades((5, 10, 2, True), (5, 14, 3, False), (9, 8, 1, True)), "1m")
    assert kline[:6] == (0, MINUTE_US, 10, 14, 8, 8)
    assert (kline.volume, kline.quote_volume, kline.trade_count) == (6, 20 + 42 + 8, 3)
    assert (kline.taker_buy_volume, kline.taker_buy_quote_volume) == (3, 42)
    assert (kline.first_id, kline.last_id) == (1, 3)


def test_trade_on_the_boundary_belongs_to_the_later_interval() -> None:
    klines = fold(trades((MINUTE_US - 1, 1, 1, True), (MINUTE_US, 2, 1, True)), "1m")
    assert [(kline.open_us, kline.close) for kline in klines] == [(0, 1), (MINUTE_US, 2)]


def test_silent_interval_is_flat_at_the_last_close() -> None:
    parts = fold(trades((0, 7, 1, True), (3 * MINUTE_US, 9, 1, True)), "1m")
    klines = joined(parts, None, 0, 5 * MINUTE_US, "1m")
    assert [kline.close for kline in klines] == [7, 7, 7, 9, 9]
    assert [kline.trade_count for kline in klines] == [1, 0, 0, 1, 0]
    assert (klines[1].first_id, klines[1].last_id, klines[1].volume) == (-1, -1, 0)


def test_no_kline_exists_before_the_first_price() -> None:
    parts = fold(trades((2 * MINUTE_US, 7, 1, True)), "1m")
    opens = [kline.open_us for kline in joined(parts, None, 0, 4 * MINUTE_US, "1m")]
    assert opens == [2 * MINUTE_US, 3 * MINUTE_US]
    assert [k.close for k in joined(parts, 5, 0, 3 * MINUTE_US, "1m")] == [5, 5, 7]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10 * MINUTE_US), st.integers(1, 99), st.integers(1, 99), st.booleans()
        ),
        min_size=1,
        max_size=30,
    ),
    st.data(),
)
def test_klines_of_pieces_join_to_the_klines_of_the_whole(
    rows: list[tuple[int, int, int, bool]], data: st.DataObject
) -> None:
    whole = trades(*sorted(rows))
    cut = data.draw(st.integers(0, len(rows)))
    first = TradeColumns(*(column[:cut] for column in whole))
    second = TradeColumns(*(column[cut:] for column in whole))
    pieces = fold(first, "3m") + fold(second, "3m")
    end_us = 12 * MINUTE_US
    assert joined(pieces, 1, 0, end_us, "3m") == joined(fold(whole, "3m"), 1, 0, end_us, "3m")


def test_sums_beyond_63_bits_stay_exact() -> None:
    price, quantity = 3_000_000_000, 2_000_000_000
    (kline,) = fold(trades((0, price, quantity, False), (1, price, quantity, False)), "1m")
    assert kline.quote_volume == kline.taker_buy_quote_volume == 2 * price * quantity > 1 << 63


@pytest.mark.parametrize(
    ("interval", "opened", "ended"),
    [
        ("1s", (2024, 2, 29, 13, 7, 42), (2024, 2, 29, 13, 7, 43)),
        ("15m", (2024, 2, 29, 13, 0), (2024, 2, 29, 13, 15)),
        ("12h", (2024, 2, 29, 12), (2024, 3, 1)),
        ("1w", (2024, 2, 26), (2024, 3, 4)),
        ("1M", (2024, 2, 1), (2024, 3, 1)),
    ],
)
def test_intervals_open_where_the_exchange_opens_them(
    interval: str, opened: tuple[int, ...], ended: tuple[int, ...]
) -> None:
    open_us = open_of(at(2024, 2, 29, 13, 7, 42) + 5, interval)
    assert (open_us, end_of(open_us, interval)) == (at(*opened), at(*ended))


@given(st.integers(0, 4_000_000_000_000_000), st.sampled_from(sorted(INTERVALS_US)))
def test_every_time_is_in_the_interval_that_holds_it(time_us: int, interval: str) -> None:
    open_us = open_of(time_us, interval)
    assert open_us <= time_us < end_of(open_us, interval)
    assert open_of(end_of(open_us, interval), interval) == end_of(open_us, interval)
