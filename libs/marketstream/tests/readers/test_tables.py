"""Tables as people keep them: what stands around and between the rows, and how numbers look."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from marketstream.errors import InputError
from marketstream.readers import TradeTable

type Read = Callable[..., TradeTable]

S = 1_720_000_000
HEADER = b"time,price,quantity,side\n"


def trades(count: int, first: int = 0) -> bytes:
    lines = [b"%d,%d.5,0.01,buy\n" % (S + n, 100 + n) for n in range(first, first + count)]
    return b"".join(lines)


@pytest.mark.parametrize(
    "before", [b"https://www.example.com/data\n", b"# exported by bot v1.2\n", b"\n\nTrades\n"]
)
def test_lines_before_the_table_are_passed_over_and_counted(read: Read, before: bytes) -> None:
    table = read(before + HEADER + trades(3))
    assert table.price.tolist() == [1005, 1015, 1025]
    assert table.ignored == {"line before the table": 1}
    assert len(table.lost_us) == 0


def test_a_header_in_the_middle_is_passed_over_and_may_order_the_columns_anew(read: Read) -> None:
    table = read(
        HEADER + trades(2) + HEADER + trades(1, first=2)
        + b"price,quantity,time\n103.5,0.01,%d\n" % (S + 3)
    )  # fmt: skip
    assert table.price.tolist() == [1005, 1015, 1025, 1035]
    assert table.taker.tolist() == [1, 1, 1, 0]
    assert table.ignored == {"header in the middle": 2}
    assert not table.unusable


def test_utf_16_is_read_as_spreadsheets_save_it(read: Read) -> None:
    table = read((HEADER + trades(3)).decode().encode("utf-16"))
    assert table.price.tolist() == [1005, 1015, 1025]


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ([b'"990.50"', b'"1,000.25"', b'"1,234,567.00"'], [99050, 100025, 123456700]),
        ([b'"57,000"', b'"58,000"', b'"999"'], [57000, 58000, 999]),  # the quantity has a point
    ],
)
def test_thousands_separators_are_read_in_part_of_the_prices_too(
    read: Read, price: list[bytes], expected: list[int]
) -> None:
    lines = [b"%d,%s,0.01,buy\n" % (S + n, each) for n, each in enumerate(price)]
    table = read(HEADER + b"".join(lines))
    assert table.price.tolist() == expected
    assert not table.unusable


def test_decimal_commas_are_read_and_points_between_thousands_with_them(read: Read) -> None:
    table = read(
        b"time;price;quantity\n%d;57000,25;0,01\n%d;1.234,5;2\n%d;57.000;1,5\n" % (S, S + 1, S + 2)
    )
    assert (table.price / 10**table.price_decimals).tolist() == [57000.25, 1234.5, 57000]
    assert (table.quantity / 10**table.quantity_decimals).tolist() == [0.01, 2, 1.5]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (b"%d;1,234;5\n%d;1,235;5\n", "like 1,234: whether the comma stands before decimals"),
        (b"%d;1234,5;0.75\n%d;1235,5;0.5\n", "like 1234,5 beside others"),
    ],
)
def test_commas_that_may_mean_either_are_refused_as_a_whole(
    read: Read, rows: bytes, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read(b"time;price;quantity\n" + rows % (S, S + 1))


def test_units_of_time_are_told_row_by_row(read: Read) -> None:
    times = (b"%d" % S, b"%d" % ((S + 1) * 10**3), b"%d" % ((S + 2) * 10**6),
             b"%d" % ((S + 3) * 10**9), b"2024-07-03T09:46:44Z")  # fmt: skip
    table = read(b"time,price,quantity\n" + b"".join(b"%s,1,1\n" % time for time in times))
    assert table.time_us.tolist() == [(S + n) * 10**6 for n in range(5)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (b"09/26/2024", b"09/27/2024"),
        (b"26/09/2024", b"27/09/2024"),
        (b"26.09.2024 00:00", b"27.09.2024 00:00"),
        (b"9/26/2024 12:00:00 AM", b"9/27/2024 12:00:00 AM"),
        (b"2024/09/26", b"2024/09/27"),
        (b"2024-09-26 12-AM", b"2024-09-27 12-AM"),
        (b'"Sep 26, 2024"', b'"Sep 27, 2024"'),
    ],
)
def test_dates_are_read_as_sites_and_spreadsheets_write_them(
    read: Read, first: bytes, second: bytes
) -> None:
    table = read(b"time,price,quantity\n%s,1,1\n%s,2,1\n" % (first, second))
    assert table.time_us.tolist() == [1_727_308_800_000_000, 1_727_395_200_000_000]


def test_dates_whose_order_cannot_be_told_are_refused(read: Read) -> None:
    with pytest.raises(InputError, match="03/04/2024: whether the day or the month comes first"):
        read(b"time,price,quantity\n03/04/2024,1,1\n03/05/2024,1,1\n")


def test_times_that_a_spreadsheet_rounded_are_no_times(read: Read) -> None:
    with pytest.raises(InputError, match="2 x time rounded by a spreadsheet"):
        read(b"time,price,quantity\n1.62328E+12,1,1\n1.62328E+12,1,1\n")
    exact = read(b"time,price,quantity\n1.6232801234E+12,1,1\n1.62328e+12,2,1\n")
    assert exact.time_us.tolist() == [1_623_280_000_000_000, 1_623_280_123_400_000]


def test_trades_as_arrays_in_an_array_are_read_as_ccxt_orders_them(read: Read) -> None:
    table = read(
        b'[[1743296340000, null, null, "buy", 57001.04, 0.57613, 32840.0],'
        b' [1743296340700, null, null, "sell", 57003.5, 0.9667, 55105.3], [1743296341000]]'
    )
    assert table.price.tolist() == [5700104, 5700350]
    assert table.taker.tolist() == [1, -1]
    assert table.unusable == {"wrong number of columns": 1}
    assert table.lost_us.tolist() == [[1743296341000000, 1743296341000000]]


@pytest.mark.parametrize("kind", ["INSURANCE_FUND", "ADL", "NA", "SOMETHING_NEW"])
def test_prints_that_are_no_trades_of_the_market_are_ignored_and_leave_no_gap(
    read: Read, kind: str
) -> None:
    frame = '{"e":"trade","s":"BTCUSDT","t":%d,"p":"%s","q":"1","T":%d,"m":true,"X":"%s"}'
    lines = [
        frame % (number, price, S * 1_000 + number, execution)
        for number, price, execution in [(1, 100, "MARKET"), (2, 90, kind), (3, 101, "MARKET")]
    ]
    table = read("\n".join(lines).encode())
    assert table.price.tolist() == [100, 101]
    assert table.passed_ids.tolist() == [2]
    assert sum(table.ignored.values()) == 1
    assert not table.unusable
