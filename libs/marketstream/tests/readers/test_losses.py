"""Where rows that had to be thrown away may have been traded."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from marketstream.readers import TradeTable
from marketstream.readers.losses import Losses, overlapping

type Read = Callable[..., TradeTable]

S = 1_720_000_000
US = 1_000_000
HEADER = b"time,price,quantity\n"


def line(second: int, price: bytes = b"100") -> bytes:
    return b"%d,%s,1\n" % (S + second, price)


def spans(table: TradeTable) -> list[tuple[float, float]]:
    """From when to when each lost row may lie, in seconds since the first."""
    return [((one - S * US) / US, (other - S * US) / US) for one, other in table.lost_us.tolist()]


def test_a_row_with_a_time_was_lost_then(read: Read) -> None:
    table = read(HEADER + line(0) + line(5, b"NaN") + line(9))
    assert spans(table) == [(5, 5)]


@pytest.mark.parametrize("damaged", [b",100,1\n", b"x\n", b"1,2,3,4,5\n"])
def test_a_row_without_a_time_was_lost_between_its_neighbours(read: Read, damaged: bytes) -> None:
    upwards = [line(0), line(3), damaged, damaged, line(7), line(9)]
    assert spans(read(HEADER + b"".join(upwards))) == [(3, 7), (3, 7)]
    assert spans(read(HEADER + b"".join(reversed(upwards)))) == [(3, 7), (3, 7)]


def test_a_row_at_the_edge_of_a_file_may_lie_up_to_the_next_trade_of_another(read: Read) -> None:
    first = HEADER + line(0) + line(3) + b"%d" % S  # cut off
    second = HEADER + b",100,1\n" + line(7) + line(9)
    assert spans(read(first, second)) == spans(read(second, first))[::-1] == [(3, 7), (3, 7)]


def test_a_file_without_a_usable_row_may_belong_anywhere(read: Read) -> None:
    assert spans(read(HEADER + line(0) + line(9), HEADER + b",100,1\n")) == [(0, 9)]


def test_ids_tell_where_a_row_without_a_time_belongs_whatever_the_order_of_lines(
    read: Read,
) -> None:
    header = b"id,time,price,quantity\n"
    rows = [b"%d,%d,100,1\n" % (number * 10, S + number) for number in range(8)]
    lost = b"35,,100,1\n"
    known = b"40,,100,1\n"  # is there elsewhere with its time
    for lines in ([*rows, lost, known], [lost, known, *rows[::-1]], [*rows[4:], lost, *rows[:4]]):
        table = read(header + b"".join(lines))
        assert not table.consecutive
        assert spans(table) == [(3, 4)]


def test_a_row_of_a_file_without_any_order_may_lie_anywhere_its_rows_do(read: Read) -> None:
    rows = [line(second) for second in (5, 1, 8, 0, 9, 3)]
    assert spans(read(HEADER + b"".join([*rows[:3], b",100,1\n", *rows[3:]]))) == [(0, 9)]


@given(st.data())
def test_no_row_of_an_ordered_file_lies_outside_of_where_it_is_said_to_have_been_lost(
    data: st.DataObject,
) -> None:
    steps = data.draw(st.lists(st.integers(0, 3), min_size=2, max_size=30))
    times = np.cumsum(steps)
    flags = st.lists(st.booleans(), min_size=len(steps), max_size=len(steps))
    usable = np.array(data.draw(flags))
    has_time = usable | np.array(data.draw(flags))
    newest_first = data.draw(st.booleans())
    losses, cut = Losses(), data.draw(st.integers(0, len(steps)))
    written = slice(None, None, -1 if newest_first else 1)
    for part in (slice(0, cut), slice(cut, None)):
        rows = (each[written][part] for each in (usable, np.where(has_time, times, 0), has_time))
        losses.note(*rows)
    kept = times[usable]
    assume(len(kept) and (not newest_first or kept[0] < kept[-1]))
    lost = times[written][~usable[written]]
    found = losses.spans_us(kept)
    inside = (found[:, 0] <= lost) & (lost <= found[:, 1])
    at_edge = (lost < kept[0]) | (lost > kept[-1])
    assert (inside | at_edge).all()


def test_rows_of_another_symbol_are_no_losses_but_damaged_ones_may_be_of_any(read: Read) -> None:
    header = b"symbol,time,price,quantity\n"
    one, other = (
        [b"%s,%d,%d,1\n" % (symbol, S + n, price) for n in range(3)]
        for symbol, price in ((b"BTCUSDT", 100), (b"ETHUSDT", 10))
    )
    table = read(header + one[0] + other[0] + b"BT\n" + one[1] + one[2], symbol="BTC/USDT")
    assert table.price.tolist() == [100, 100, 100]
    assert table.ignored == {"another symbol": 1}
    assert spans(table) == [(0, 1)]


def test_numbers_too_fine_to_be_kept_are_losses_at_their_time(read: Read) -> None:
    table = read(HEADER + line(0, b"900000000000.5") + line(1, b"0.0000000000001") + line(2))
    assert table.unusable == {"more decimals than go into 64 bits": 1}
    assert spans(table) == [(1, 1)]


def test_intervals_meet_spans_whose_ends_both_belong_to_them() -> None:
    opened, closed = np.array([0, 10, 20, 30]), np.array([10, 20, 30, 40])
    cases: dict[tuple[int, int], list[int]] = {
        (10, 10): [1], (9, 9): [0], (9, 10): [0, 1], (5, 35): [0, 1, 2, 3], (40, 50): [],
        (-5, -1): [],
    }  # fmt: skip
    for span, expected in cases.items():
        found = overlapping(opened, closed, np.array([span]))
        assert np.flatnonzero(found).tolist() == expected
