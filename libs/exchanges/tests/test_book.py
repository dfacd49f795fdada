from __future__ import annotations

from functools import partial
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges.book import Best, Book, State
from exchanges.book_side import Reach
from exchanges.checksums import kraken_checksum, okx_checksum
from exchanges.events import BookEvent, Levels

BIDS: Levels = ((100.0, 1.0), (99.0, 2.0), (98.0, 3.0))
ASKS: Levels = ((101.0, 1.5), (102.0, 2.5), (103.0, 3.5))


def snapshot(last: int | None = None, bids: Levels = BIDS, asks: Levels = ASKS) -> BookEvent:
    return BookEvent("binance:BTC/USDT", bids, asks, is_snapshot=True, last=last)


def change(bids: Levels = (), asks: Levels = (), **numbers: Any) -> BookEvent:
    return BookEvent("binance:BTC/USDT", bids, asks, is_snapshot=False, **numbers)


def told(*events: BookEvent, **how: Any) -> Book:
    book = Book(**how)
    for event in events:
        book.update(event)
    return book


def test_a_book_is_empty_until_a_snapshot_comes() -> None:
    book = told(change(bids=BIDS))
    assert (book.state, book.best, book.levels(5)) == ("empty", None, ((), ()))
    assert book.update(snapshot()) == "whole"
    assert book.best == Best(100.0, 1.0, 101.0, 1.5)


def test_levels_come_the_best_first_and_no_more_than_are_asked_for() -> None:
    assert told(snapshot()).levels(2) == (BIDS[:2], ASKS[:2])
    changed = told(snapshot(), change(bids=((97.0, 4.0),)))
    assert changed.levels(2) == (BIDS[:2], ASKS[:2])
    assert changed.levels(9) == ((*BIDS, (97.0, 4.0)), ASKS)


def test_a_quantity_of_zero_takes_a_price_away_and_one_that_is_not_there_may_go_too() -> None:
    book = told(snapshot(), change(bids=((100.0, 0.0), (50.0, 0.0)), asks=((101.0, 0.0),)))
    assert book.best == Best(99.0, 2.0, 102.0, 2.5)


def test_levels_of_a_snapshot_may_come_in_any_order() -> None:
    disordered = snapshot(bids=BIDS[::-1], asks=(ASKS[1], ASKS[0], ASKS[2]))
    assert told(disordered).levels(9) == (BIDS, ASKS)
    assert told(disordered, change(bids=((97.0, 4.0),))).levels(3) == (BIDS, ASKS)


def test_a_snapshot_forgets_what_was_known() -> None:
    book = told(snapshot(), change(bids=((100.5, 9.0),)), snapshot(bids=((90.0, 1.0),)))
    assert book.levels(5) == (((90.0, 1.0),), ASKS)


@pytest.mark.parametrize(
    ("numbers", "state", "bid"),
    [
        ([(8, 9, None)], "whole", 100.0),  # in the snapshot already
        ([(8, 12, None)], "whole", 100.5),
        ([(11, 12, None)], "whole", 100.5),
        ([(12, 13, None)], "broken", None),
        ([(11, 12, None), (13, 14, None)], "whole", 100.5),
        ([(11, 12, None), (11, 12, None)], "whole", 100.5),
        ([(11, 12, None), (14, 15, None)], "broken", None),
        ([(20, 30, 9)], "whole", 100.5),  # numbers of one book among those of others
        ([(20, 30, 10)], "whole", 100.5),
        ([(20, 30, 11)], "broken", None),
        ([(5, 9, 4)], "whole", 100.0),
        ([(20, 30, 9), (40, 50, 30)], "whole", 100.5),
        ([(20, 30, 9), (40, 50, 31)], "broken", None),
        ([(20, 30, 9), (40, 50, 29)], "broken", None),
        ([(20, 30, 9), (1, 2, 30)], "whole", 100.5),  # the venue begins its numbers again
    ],
)
def test_changes_have_to_follow_on_what_is_known(
    numbers: list[tuple[int, int, int | None]], state: State, bid: float | None
) -> None:
    changes = [
        change(bids=((100.5, 1.0),), first=first, last=last, follows=follows)
        for first, last, follows in numbers
    ]
    book = told(snapshot(10), *changes)
    assert book.state == state
    assert (None if book.best is None else book.best.bid) == bid


def test_a_broken_book_says_why_and_shows_nothing_until_a_snapshot_comes() -> None:
    book = told(snapshot(10), change(first=15, last=16), change(first=17, last=18))
    assert (book.state, book.best) == ("broken", None)
    assert book.reason == "changes 15 to 16 do not follow on 10"
    assert book.update(snapshot(16)) == "whole"
    assert (book.last, book.reason) == (18, "")


def test_changes_that_came_before_the_snapshot_was_had_are_made_to_it() -> None:
    waiting = [
        change(bids=((99.5, 1.0),), first=8, last=9),
        change(bids=((100.5, 1.0),), first=10, last=11),
        change(bids=((100.6, 1.0),), first=12, last=12),
    ]
    book = told(*waiting, snapshot(10))
    assert (book.state, book.last) == ("whole", 12)
    assert book.levels(3)[0] == ((100.6, 1.0), (100.5, 1.0), (100.0, 1.0))


def test_a_snapshot_from_before_the_changes_that_wait_leaves_them_waiting_for_another() -> None:
    book = told(change(first=20, last=21), snapshot(10))
    assert book.state == "broken"
    assert book.update(snapshot(19)) == "whole"
    assert book.last == 21


def test_changes_without_numbers_that_came_before_a_snapshot_are_in_it() -> None:
    assert told(change(bids=((100.5, 1.0),)), snapshot()).levels(1)[0] == ((100.0, 1.0),)


@pytest.mark.parametrize(
    "event", [snapshot(bids=((101.0, 1.0),)), change(bids=((101.0, 1.0),)), change(asks=((99, 1),))]
)
def test_a_crossed_book_is_broken(event: BookEvent) -> None:
    book = told(snapshot(), event)
    assert (book.state, book.best) == ("broken", None)
    assert "reaches an ask" in book.reason


def test_a_checksum_that_differs_breaks_the_book() -> None:
    def total(bids: Levels, asks: Levels) -> int:
        return round(sum(quantity for _, quantity in (*bids, *asks)))

    right = told(snapshot(), change(asks=((104.0, 1.0),), checksum=14), checksum=total)
    assert right.state == "whole"
    assert right.update(change(asks=((104.0, 2.0),), checksum=14)) == "broken"
    assert right.reason == "its checksum is 16, and should be 14"


def test_krakens_checksum_is_of_the_digits_of_ten_asks_and_bids() -> None:
    sum_up = partial(kraken_checksum, price_decimals=1, quantity_decimals=8)
    assert sum_up((), ((45285.2, 0.001),)) == crc32(b"452852100000")
    assert sum_up(((0.5, 1.0),), ((45285.2, 0.001),)) == crc32(b"4528521000005100000000")
    many = tuple((float(price), 1.0) for price in range(1, 20))
    assert sum_up(many, ()) == sum_up(many[:10], ())


def test_okxs_checksum_is_of_bids_and_asks_by_turns_as_they_are_written() -> None:
    bids = ((3366.1, 7.0), (3366.0, 0.00000001))
    asks = ((3366.8, 9.0),)
    text = b"3366.1:7:3366.8:9:3366:0.00000001"
    assert okx_checksum(bids, asks) % (1 << 32) == crc32(text)
    assert -(1 << 31) <= okx_checksum(bids, asks) < 1 << 31
    many = tuple((float(price), 1.0) for price in range(1, 40))
    assert okx_checksum(many, ()) == okx_checksum(many[:25], ())


def test_a_market_without_bids_is_whole_and_has_no_best() -> None:
    book = told(snapshot(bids=()))
    assert (book.state, book.best, book.levels(1)) == ("whole", None, ((), ASKS[:1]))


def test_beyond_a_snapshot_of_the_best_levels_nothing_is_shown() -> None:
    far = change(bids=((50.0, 7.0),))
    assert told(snapshot(), far, reach="all").levels(9)[0] == (*BIDS, (50.0, 7.0))
    book = told(snapshot(), far, reach="snapshot")
    assert book.levels(9)[0] == BIDS
    assert book.update(change(bids=tuple((price, 0.0) for price, _ in BIDS))) == "broken"
    assert book.reason == "the best levels lie beyond what is known"


def test_what_falls_out_of_a_window_is_gone() -> None:
    book = told(snapshot(), change(bids=((100.5, 1.0),)), reach="window", most=3)
    assert book.levels(9)[0] == ((100.5, 1.0), (100.0, 1.0), (99.0, 2.0))
    book.update(change(bids=((100.5, 0.0), (100.0, 0.0))))
    assert book.levels(9)[0] == ((99.0, 2.0),)


def test_memory_is_bounded_however_many_prices_there_are() -> None:
    book = told(snapshot(), most=100)
    for number in range(10_000):
        book.update(change(bids=((99.0 - number / 1_000, 1.0),)))
    bids, _ = book.levels(100_000)
    assert 100 <= len(bids) <= 200
    assert book.state == "whole"


def test_of_changes_that_wait_for_a_snapshot_only_the_newest_are_kept() -> None:
    waiting = [change(first=number, last=number) for number in range(5_000)]
    assert told(*waiting, snapshot(4_500)).last == 4_999
    assert told(*waiting, snapshot(3_500)).state == "broken"


price = st.integers(1, 400).map(float)
quantity = st.sampled_from([0.0, 0.0, 1.0, 2.0])


@pytest.mark.parametrize("reach", ["all", "window"])
@given(
    start=st.lists(st.tuples(price, st.just(1.0)), max_size=150, unique_by=lambda level: level[0]),
    changes=st.lists(
        st.lists(st.tuples(price, quantity), max_size=60, unique_by=lambda level: level[0]),
        max_size=12,
    ),
)
def test_a_side_is_what_a_plain_dictionary_says(
    reach: Reach, start: list[tuple[float, float]], changes: list[list[tuple[float, float]]]
) -> None:
    most = 100_000 if reach == "all" else 50
    bids = Book(reach, most=most)
    asks = Book(reach, most=most)
    plain: dict[float, float] = dict(sorted(start, reverse=True))
    bids.update(snapshot(bids=tuple(plain.items()), asks=()))
    asks.update(snapshot(bids=(), asks=tuple((1_000 - p, q) for p, q in plain.items())))
    for levels in changes:
        plain |= dict(levels)
        best = sorted(((p, q) for p, q in plain.items() if q), reverse=True)
        plain = dict(best[: 50 if reach == "window" else None])
        bids.update(change(bids=tuple(levels)))
        asks.update(change(asks=tuple((1_000 - p, q) for p, q in levels)))
        for wanted in (1, 10, 1_000):
            shown = tuple(plain.items())[:wanted]
            assert bids.levels(wanted)[0] == shown
            assert asks.levels(wanted)[1] == tuple((1_000 - p, q) for p, q in shown)
