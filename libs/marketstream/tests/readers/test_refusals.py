"""Rows that say a trade and cannot be believed, and ids that begin again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter, process_time

import pytest

from marketstream.readers import TradeTable

type Read = Callable[..., TradeTable]
type Row = tuple[int, int, str, str]

START_MS = 1_723_161_600_000
YEAR_MS = 365 * 86_400_000
HEADER = "id,time,price,quantity\n"


def trades(
    count: int, first_id: int = 1, from_ms: int = START_MS, quantity: str = "0.5"
) -> list[Row]:
    return [(first_id + n, from_ms + 200 * n, f"100.{n % 7}", quantity) for n in range(count)]


def as_csv(rows: Sequence[Row]) -> bytes:
    return (HEADER + "".join(",".join(map(str, row)) + "\n" for row in rows)).encode()


def as_frames(rows: Sequence[Row]) -> bytes:
    frame = '{"e":"trade","s":"BTCUSDT","t":%d,"T":%d,"p":"%s","q":"%s","m":true}\n'
    return "".join(frame % row for row in rows).encode()


@pytest.mark.parametrize("form", [as_csv, as_frames])
@pytest.mark.parametrize("first_id", [1, 1_000])
def test_ids_that_begin_again_are_another_numbering(
    read: Read, form: Callable[[Sequence[Row]], bytes], first_id: int
) -> None:
    old, new = trades(100, first_id), trades(200, 1, START_MS + 20_000, "0.7")
    content = form([*old, *new, *new[:7]])
    for table in (read(content), read(form(new), form(old), form(new[:7]))):
        assert (len(table), table.numberings, table.duplicates) == (300, 2, 7)
        assert table.consecutive
        assert not table.unusable
        assert table.ids is not None
        assert table.ids.tolist() == [row[0] for row in [*old, *new]]


@pytest.mark.parametrize("length", [5, 10, 25, 30, 49, 50, 51, 75, 150])
@pytest.mark.parametrize("first_id", [1, 40])
def test_numberings_may_be_short_and_many(read: Read, length: int, first_id: int) -> None:
    rows = [
        row
        for number in range(4)
        for row in trades(length, first_id, START_MS + 200 * number * length, f"0.{number + 1}")
    ]
    table = read(as_csv(rows))
    assert (len(table), table.numberings, table.unusable) == (4 * length, 4, {})
    assert table.ids is not None
    assert table.ids.tolist() == [row[0] for row in rows]


def test_the_same_trades_at_other_times_are_no_numbering(read: Read) -> None:
    rows, hour_ms = trades(100), 3_600_000
    later = [(row[0], row[1] + hour_ms, row[2], row[3]) for row in rows]
    beyond = trades(100, 101, START_MS + hour_ms + 20_000)
    table = read(as_csv(rows), as_csv([*later, *beyond]))
    assert table.unusable == {"one id, and not the same trade": 200}
    assert (len(table), table.numberings) == (100, 1)


@pytest.mark.parametrize("length", [3, 4, 20, 60])
def test_a_stretch_of_rows_that_are_dated_early_is_no_numbering(read: Read, length: int) -> None:
    rows = trades(300)
    for place in range(100, 100 + length):
        rows[place] = (rows[place][0], rows[place][1] - YEAR_MS, *rows[place][2:])
    table = read(as_csv(rows))
    assert table.unusable == {"its time is out of order": length}
    assert (len(table), table.numberings) == (300 - length, 1)


def test_times_cut_to_milliseconds_in_one_of_two_files_are_no_numbering(read: Read) -> None:
    fine = [(n, START_MS * 1_000 + 10 * n, f"100.{n % 9}", "1") for n in range(1_000)]
    coarse = [(n, time_us // 1_000, price, quantity) for n, time_us, price, quantity in fine]
    table = read(as_csv(fine), as_csv(coarse))
    assert (len(table), table.numberings, table.duplicates) == (1_000, 1, 1_000)


@pytest.mark.parametrize("change", [(3, "0.7"), (2, "99.5"), (1, START_MS + 4_000)])
@pytest.mark.parametrize("place", [50, 51, 70])
def test_of_one_id_that_says_two_things_neither_is_believed(
    read: Read, change: tuple[int, str | int], place: int
) -> None:
    rows = trades(100)
    other = list(rows[50])
    other[change[0]] = change[1]
    table = read(as_csv([*rows[:place], (other[0], other[1], other[2], other[3]), *rows[place:]]))
    assert table.unusable == {"one id, and not the same trade": 2}
    assert (len(table), table.duplicates, table.numberings) == (99, 0, 1)
    assert table.ids is not None
    assert rows[50][0] not in table.ids


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((1, START_MS + 60 * 200 + 10_000), "its time is out of order"),
        ((1, START_MS + 60 * 200 - 10_000), "its time is out of order"),
        ((1, START_MS - YEAR_MS), "its time is out of order"),
        ((2, "100000"), "its price is far from those beside it"),
        ((2, "0.1"), "its price is far from those beside it"),
        ((3, "900000000000000"), "more than anybody ever traded"),
    ],
)
def test_an_impossible_row_is_refused_and_named(
    read: Read, change: tuple[int, str | int], reason: str
) -> None:
    rows = trades(120)
    wrong = list(rows[60])
    wrong[change[0]] = change[1]
    rows[60] = (wrong[0], wrong[1], wrong[2], wrong[3])
    for form, line in ((as_csv, 62), (as_frames, 61)):
        table = read(form(rows))
        assert table.unusable == {reason: 1}
        (refused,) = table.refused
        assert refused.endswith(f"file0: line {line}: trade 61: {reason}")
        assert len(table) == 119
        assert int(table.time_us[-1] - table.time_us[0]) == 119 * 200_000


def test_the_first_or_last_rows_a_year_away_are_refused(read: Read) -> None:
    rows = trades(60)
    rows[0] = (1, START_MS - YEAR_MS, "100", "1")
    rows[-1] = (60, START_MS + YEAR_MS, "100", "1")
    table = read(as_csv(rows))
    assert table.unusable == {"its time is far from that of all others": 2}
    assert len(table) == 58


def test_several_rows_of_another_time_are_no_numbering(read: Read) -> None:
    rows = trades(120)
    for place in (12, 15, 29, 51, 112):
        rows[place] = (rows[place][0], rows[place][1] - YEAR_MS, "100", "1")
    table = read(as_csv(rows))
    assert table.unusable == {"its time is out of order": 5}
    assert (len(table), table.numberings) == (115, 1)


def test_without_ids_a_row_far_from_its_neighbours_in_the_file_is_refused(read: Read) -> None:
    lines = [f"{START_MS + 200 * n},100,1\n" for n in range(50)]
    lines[20] = f"{START_MS - YEAR_MS},100,1\n"
    for order in (lines, lines[::-1]):
        table = read(("time,price,quantity\n" + "".join(order)).encode())
        assert table.unusable == {"its time is out of order": 1}
        lost_ms = ((table.lost_us - START_MS * 1_000) // 1_000).tolist()
        assert lost_ms == [[-YEAR_MS, -YEAR_MS], [19 * 200, 21 * 200]]  # where it is, or belongs


def test_a_row_of_a_far_id_may_have_been_traded_when_it_says(read: Read) -> None:
    rows = trades(60)
    rows[20] = (900_000, *rows[20][1:])
    table = read(as_csv(rows))
    assert table.unusable == {"its time is out of order": 1}
    assert [(START_MS + 20 * 200) * 1_000] * 2 in table.lost_us.tolist()


@pytest.mark.parametrize(("gap_ms", "is_refused"), [(50_000, False), (3_600_000, True)])
def test_a_last_row_after_no_usual_silence_is_refused(
    read: Read, gap_ms: int, *, is_refused: bool
) -> None:
    rows = trades(60)
    rows[-1] = (60, rows[-2][1] + gap_ms, *rows[-1][2:])
    table = read(as_csv(rows))
    assert (len(table.refused), len(table)) == ((1, 59) if is_refused else (0, 60))


def test_a_price_that_stays_where_it_jumped_to_is_believed(read: Read) -> None:
    rows = [(n, time, "300" if n > 50 else "100", "1") for n, time, _, _ in trades(100)]
    table = read(as_csv(rows))
    assert (len(table), table.unusable) == (100, {})


def test_lines_are_counted_through_headers_blanks_and_other_symbols(read: Read) -> None:
    rows = trades(40)
    lines = [f"{n},{time},{price},{quantity},BTCUSDT\n" for n, time, price, quantity in rows]
    lines[30] = lines[30].replace("100.", "100000.")
    lines.insert(3, "\n")
    lines.insert(10, "id,time,price,quantity,symbol\n")
    lines.insert(20, f"7,{START_MS},3,1,ETHUSDT\n")
    content = "a comment\nid,time,price,quantity,symbol\n" + "".join(lines)
    table = read(content.encode(), symbol="BTC/USDT")
    (refused,) = table.refused
    assert "file0: line 36: trade 31:" in refused


def test_many_rows_out_of_step_are_looked_at_in_no_time(read: Read) -> None:
    rows = trades(50_000)
    rows[0] = (1, START_MS + YEAR_MS, "100", "1")  # everything after it is behind it
    before_s = perf_counter()
    table = read(as_csv(rows))
    assert perf_counter() - before_s < 10
    assert table.unusable == {"its time is out of order": 1}


def test_many_numberings_are_told_apart_in_no_time(read: Read) -> None:
    rows = [
        (n % 10 + 1, time, price, f"{n % 997 + 1}")
        for n, (_, time, price, _) in enumerate(trades(50_000))
    ]
    before_s = process_time()
    table = read(as_csv(rows))
    assert process_time() - before_s < 10
    assert (len(table), table.numberings) == (50_000, 5_000)
