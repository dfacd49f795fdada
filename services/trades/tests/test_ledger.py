"""What of the exchange's past is new to a topic that has some of it already."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from marketstream.messages import Gap, Trade
from trades.session.ids import OpenGap
from trades.session.ledger import Ledger

MARKET = "binance:BTC/USDT"


def fill(number: int, quantity: float = 0.5) -> Trade:
    return Trade(number, 100.25, quantity, "buy", 1_000_000)


def aggregate(fills: list[Trade]) -> Trade:
    quantity = float(sum(Decimal(repr(one.quantity)) for one in fills))
    return replace(fills[-1], quantity=quantity, count=len(fills))


def ledger(known: list[Trade]) -> Ledger:
    """What is known after these trades."""
    said: list[Gap] = []
    one = Ledger(MARKET, said.append)
    if known:
        one.go_on(known[-1].id, known, 0)
    return one


def not_in(known: list[Trade], page: list[Trade]) -> list[Trade]:
    """What of a page comes after known trades."""
    return ledger(known).unseen(page, None, lambda *_: None)


def only(missing: range, known: list[Trade], page: list[Trade]) -> list[Trade]:
    """What of a page was missing among known trades."""
    one = ledger(known)
    one.ids.next_id = 1_000
    if missing:
        one.open(OpenGap(missing.start, missing.stop, 0, None, 0))
    return one.unseen(page, 1_000, lambda *_: None)


def test_on_an_empty_topic_everything_is_new() -> None:
    page = [fill(1), fill(2)]
    assert not_in([], page) == page


def test_what_was_published_is_left_out() -> None:
    page = [fill(number) for number in range(1, 6)]
    assert not_in(page[:3], page) == page[3:]


def test_an_aggregate_known_in_part_is_cut_down_to_the_rest() -> None:
    fills = [fill(1, 0.1), fill(2, 0.2), fill(3, 0.3), fill(4, 0.4)]
    (rest,) = not_in(fills[:2], [aggregate(fills)])
    assert rest == replace(fills[-1], quantity=0.7, count=2)


def test_an_aggregate_that_is_more_than_was_kept_is_left_to_show_as_a_gap() -> None:
    fills = [fill(number) for number in range(1, 5)]
    assert not_in(fills[1:3], [aggregate(fills)]) == []


def test_of_a_page_only_the_trades_of_some_ids_are_chosen() -> None:
    page = [fill(number) for number in range(1, 8)]
    assert only(range(3, 5), [], page) == page[2:4]
    assert only(range(8, 10), [], page) == []
    assert only(range(3, 3), [], page) == []


def test_an_aggregate_around_missing_trades_is_cut_on_both_sides() -> None:
    fills = [fill(number, number / 10) for number in range(1, 6)]
    (rest,) = only(range(2, 5), [fills[0], fills[4]], [aggregate(fills)])
    assert rest == replace(fills[3], quantity=0.9, count=3)
    assert only(range(2, 5), [fills[0]], [aggregate(fills)]) == []  # what the fifth had is unknown


def test_ids_that_a_page_jumps_over_are_told() -> None:
    page = [replace(fill(number), time_us=number * 1_000) for number in (5, 6, 9, 12)]
    page[3] = replace(page[3], count=2)
    jumped: list[tuple[int, int | None]] = []

    def note(trade: Trade, before: Trade | None) -> None:
        jumped.append((trade.id, None if before is None else before.id))

    ledger([fill(2)]).unseen(page, None, note)
    assert jumped == [(5, None), (9, 6), (12, 9)]


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=20), st.data())
def test_however_a_page_is_cut_nothing_is_lost_or_doubled(
    quantities: list[int], data: st.DataObject
) -> None:
    fills = [fill(number, quantity / 1_000) for number, quantity in enumerate(quantities, 1)]
    known = data.draw(st.integers(0, len(fills)))
    page, at = [], 0
    while at < len(fills):
        size = data.draw(st.integers(1, 4))
        page.append(aggregate(fills[at : at + size]))
        at += size
    new = not_in(fills[:known], page)
    assert sum(trade.count for trade in new) == len(fills) - known
    whole = sum(Decimal(repr(one.quantity)) for one in fills[known:])
    assert sum(Decimal(repr(one.quantity)) for one in new) == whole


def test_a_gap_of_which_all_that_could_be_had_has_come_ends_with_what_is_lost_before() -> None:
    one = ledger([fill(10)])
    one.ids.next_id = 100
    one.open(OpenGap(11, 31, 0, 2_000_000, 0, awaited=True))
    one.unseen([fill(number) for number in range(21, 31)], 100, lambda *_: None)
    one.lose_before(fill(21), "older than can be had")
    assert one.ids.gaps == []
    assert (one.given_up, one.lost_gaps) == (10, 1)
