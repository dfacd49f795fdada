"""Ids that begin again, more than once, and while nobody watches."""

from __future__ import annotations

import os
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from candles.aggregation import CandleAggregator
from exchanges.checked import check_trades
from exchanges.venue import HistoricTrade, Page
from marketstream.messages import Candle, Trade
from trades.session.rules import Answer, Ask, Known, Mark, Row, Rules

from .world import MARKET, World


class Numbered(World):
    """A world whose pages may hold two numberings, of which the edge refuses rows, not all."""

    def trade(self) -> Trade:
        trade = super().trade()
        price = trade.price + len(self._numberings) % 11 / 20
        self.truth[-1] = replace(trade, price=price)
        return self.truth[-1]

    def answer(self, ask: Ask, rows: list[Row], asked_us: int) -> Answer | None:
        checked = check_trades(
            Page([HistoricTrade(row.page_id, row.trade) for row in rows], ()),
            MARKET,
            page_id=None if ask.kind == "newest" else ask.page.page_id,
            from_ms=0 if ask.kind == "newest" else ask.page.from_ms,
            reference_price=self.session.price,
            now_ms=self.session.exchange_ms(self.received_us),
            counts_back=self.rules.pages_by_trade or self.rules.past == "by_time",
        )
        if ask.kind == "newest" and checked.refused:
            return None
        believed = [Row(row.page_id, row.trade) for row in checked.trades]
        return Answer(believed, asked_us, checked.rows >= self.page, bool(checked.refused))


KINDS = {
    "by id": Rules(),
    "by time": Rules(past="by_time"),
    "by trade": Rules(pages_by_trade=True),
    "heartbeats": Rules(silence="last_id"),
}
SEQUENCES = int(os.environ.get("REALTIME_SEQUENCES", "150"))


def world(kind: str, every_us: int = 20_000) -> Numbered:
    one = Numbered(every_us, rules=KINDS[kind])
    one.begin()
    one.run(4.0)
    return one


def candles_of(one: Numbered) -> dict[int, Candle]:
    """Return the newest writing of each closed second."""
    candles = {}
    aggregator = CandleAggregator(MARKET, ["1s"])
    for message in one.published:
        for candle in aggregator.update(message):
            if candle.state == "closed":
                candles[candle.open_time_ms] = candle
    return candles


def check_candles(one: Numbered) -> dict[int, Candle]:
    """Have no candle that is called complete hold fewer or more trades than happened."""
    true = Counter(trade.time_us // 1_000_000 * 1_000 for trade in one.truth)
    candles = candles_of(one)
    for open_ms, candle in candles.items():
        if candle.complete:
            assert candle.trade_count == true[open_ms], candle
    return candles


def goes_on(one: Numbered, seams: int = 1) -> None:
    """Have so many new numberings be said, and all that comes after them be known again."""
    one.run(20.0)
    from_us = one.now_us
    one.run(8.0)
    said = [gap for gap in one.gaps.values() if gap.first_id == gap.end_id]
    assert len(said) >= seams, one.gaps
    assert all(gap.state == "lost" for gap in said)
    assert not any(gap.state == "open" for gap in one.gaps.values()), one.gaps
    assert one.published[-1].epoch == max(gap.epoch for gap in said) + 1
    candles = check_candles(one)
    after = [one for open_ms, one in candles.items() if open_ms * 1_000 >= from_us - 1_000_000]
    assert len(after) >= 6
    assert all(candle.complete for candle in after[:-2])
    assert one.session.stalls.now is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("between", [0.3, 1.5, 5.0])
def test_ids_that_begin_again_twice_are_two_numberings(kind: str, between: float) -> None:
    one = world(kind)
    one.number_anew()
    one.run(between)
    one.number_anew()
    goes_on(one)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("away_s", [1.0, 12.0])
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("rest", ["well", "failing", "behind"])
def test_ids_that_begin_again_while_the_connection_is_lost_are_a_numbering(
    kind: str, away_s: float, times: int, rest: str
) -> None:
    one = world(kind)
    one.number_anew()  # so that the ids of the next one are soon beyond those of this one
    one.run(5.0)
    one.rest = rest
    one.cut(round(away_s * 1e6))
    one.run(away_s / 4)
    for _ in range(times):
        one.number_anew()
        one.run(away_s / 4)
    one.run(away_s / 2 + 3.0)
    one.rest = "well"
    goes_on(one, seams=2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("known_ids", [50, 400])
@pytest.mark.parametrize("times", [1, 2])
def test_ids_that_begin_again_while_nobody_watches_are_a_numbering(
    kind: str, known_ids: int, times: int
) -> None:
    """The new ones may be beyond those that were known."""
    one = Numbered(20_000, rules=KINDS[kind])
    one.number_anew()
    for _ in range(known_ids):
        one.now_us += one.every_us
        one.trade()
    last, newest = one.truth[-1], one.truth[-20:]
    for _ in range(times):
        one.number_anew()
        for _ in range(200):
            one.now_us += one.every_us
            one.trade()
    known = Known(last.id, last.time_us, newest, price=last.price, mark=Mark.of(last))
    one.session.start(one.received_us, from_us=last.time_us, known=known, exchange_us=one.now_us)
    one.connect()
    goes_on(one)


def test_trades_that_overtake_the_old_ids_are_not_taken_for_them_though_nobody_answers() -> None:
    one = world("by id")
    one.number_anew()
    one.run(0.8)
    one.rest = "failing"
    one.number_anew()
    one.run(3.0)
    one.rest = "well"
    goes_on(one)


def test_a_numbering_that_began_without_the_past_is_left_for_no_other() -> None:
    one = world("by id")
    one.number_anew()
    one.run(5.0)
    one.rest = "failing"
    one.cut(12_000_000)
    one.run(3.0)
    one.number_anew()
    one.run(15.0)
    one.rest = "well"
    goes_on(one, seams=2)
    epoch = one.session.ledger.epoch
    for _ in range(3):
        one.drop_next = 2
        one.run(3.0)
    goes_on(one, seams=2)
    assert one.session.ledger.epoch == epoch


@pytest.mark.parametrize("kind", KINDS)
def test_ids_that_began_again_in_the_past_that_a_start_reads_are_said_since_then(kind: str) -> None:
    one = Numbered(20_000, rules=KINDS[kind])
    one.number_anew(5_000)
    for first_id in (5_000, 1):
        one.number_anew(first_id)
        for _ in range(500):
            one.now_us += one.every_us
            one.trade()
    from_us = one.truth[0].time_us
    one.session.start(one.received_us, from_us=from_us, exchange_us=one.now_us)
    one.connect()
    one.run(70.0)
    assert all(gap.since_us >= from_us for gap in one.gaps.values()), one.gaps
    candles = check_candles(one)
    newest = list(candles.values())[-8:-2]
    assert all(candle.complete for candle in newest)


OPERATIONS = [
    "run", "cut", "long cut", "drop", "many drops", "zombie", "speak", "rest well", "rest failing",
    "rest empty", "rest behind", "number lower", "number higher",
]  # fmt: skip


def do(one: Numbered, operation: str) -> None:
    match operation:
        case "cut":
            one.cut()
        case "long cut":
            one.cut(4_000_000)
        case "drop":
            one.drop_next += 1
        case "many drops":
            one.drop_next += 40
        case "zombie":
            one.silent |= {"trades", "quotes"}
        case "speak":
            one.silent.clear()
        case "number lower" | "number higher":  # and never where the ones before are by now
            at = 100_000 if operation == "number lower" else 300_000
            one.number_anew(at + 2_000 * len(one.truth) % 99_991)
        case "run":
            one.run(2.0)
        case _:
            one.rest = operation.removeprefix("rest ")


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=-(-SEQUENCES // 5), deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(OPERATIONS), st.sampled_from([0.1, 0.4, 1.5])), max_size=15),
    st.sampled_from([20_000, 400_000]),
)
def test_no_candle_is_called_complete_that_is_not_however_often_ids_begin_again(
    kind: str, operations: list[tuple[str, float]], every_us: int
) -> None:
    one = world(kind, every_us)
    for operation, seconds in operations:
        do(one, operation)
        one.run(seconds)
    one.rest = "well"
    one.silent.clear()
    one.drop_next = 0
    one.run(20.0)
    check_candles(one)
    newest_us = max(message.seen_until_us for message in one.published)
    assert newest_us > one.now_us - 2_000_000
