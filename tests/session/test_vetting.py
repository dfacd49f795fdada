"""Answers that are wrong now and then, late or of another numbering: none is taken for a sign."""

from __future__ import annotations

import random

import pytest

from trades.session.rules import Ask, Known, Mark, Row, Rules

from .test_numberings import KINDS, Numbered, check_candles, goes_on
from .world import STEP_US, later_by, price_of


class Unsteady(Numbered):
    """A world whose answers are each of another market with a probability, or lag behind."""

    wrong = 0.0
    lag_us = 0
    chance = random.Random(7)

    def _rows(self, ask: Ask) -> list[Row]:
        truth, until_us = self.truth, self.now_us - self.lag_us
        seen = truth if not self.lag_us else [one for one in truth if one.time_us <= until_us]
        self.truth = seen if len(seen) > self._numberings[-1] else truth
        rows = super()._rows(ask)
        self.truth = truth
        if self.chance.random() >= self.wrong:
            return rows
        return [Row(row.page_id, price_of(1.3)(row.trade)) for row in rows]


class Slow(Numbered):
    """A world whose answers take a while on the way."""

    delay_us = 0

    def _rest(self) -> None:
        if self._answer is not None and self.now_us < self._answer[2] + self.delay_us + STEP_US:
            return
        super()._rest()


def unsteady(seed: int, every_us: int = 20_000) -> Unsteady:
    one = Unsteady(every_us, rules=KINDS["by id"])
    one.chance = random.Random(seed)
    return one


def mistell(one: Unsteady, wrong_id: int, among: int) -> None:
    """Have the stream tell one of the trades that come at a price that is a little off."""
    spoil = price_of(1.01)
    one.spoil_next = lambda trade: spoil(trade) if trade.id == wrong_id else trade
    one.spoil_more = among


def is_whole(one: Numbered) -> None:
    """Have ids never begun again, and nothing be missing."""
    assert one.session.ledger.epoch == 0, one.gaps
    assert all(gap.state == "repaired" for gap in one.gaps.values()), one.gaps
    check_candles(one)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("wrong", [0.5, 0.7])
def test_answers_that_are_wrong_now_and_then_are_no_new_numbering(seed: int, wrong: float) -> None:
    one = unsteady(seed)
    one.begin()
    one.run(4.0)
    one.wrong = wrong
    one.cut(2_000_000)
    one.run(3.0)
    one.drop_next = 3
    one.run(3.0)
    one.wrong = 0.0
    one.run(8.0)
    is_whole(one)


@pytest.mark.parametrize("seed", range(8))
def test_a_start_whose_answers_are_wrong_now_and_then_loses_no_past(seed: int) -> None:
    one = unsteady(seed)
    for _ in range(800):
        one.now_us += one.every_us
        one.trade()
    last, newest = one.truth[399], one.truth[380:400]
    known = Known(last.id, last.time_us, newest, price=last.price, mark=Mark.of(last))
    one.session.start(one.received_us, from_us=last.time_us, known=known, exchange_us=one.now_us)
    one.connect()
    one.wrong = 0.6
    one.run(5.0)
    one.wrong = 0.0
    one.run(8.0)
    is_whole(one)
    assert {trade.id for m in one.published for trade in m.trades} >= set(
        range(last.id + 1, one.truth[-50].id)
    )


def test_answers_that_were_wrong_while_nothing_came_are_forgotten() -> None:
    one = unsteady(7)
    one.begin()
    one.run(4.0)
    one.silent = {"trades"}
    one.cut(1_000_000)
    one.run(1.1)
    for wrong in (1.0, 0.0) * 4:
        one.wrong = wrong
        one.run(0.3)
    one.silent.clear()
    one.run(10.0)
    one.drop_next = 1
    one.run(5.0)
    is_whole(one)


@pytest.mark.parametrize("delay_us", [1_500_000, 3_000_000])
@pytest.mark.parametrize("apart_s", [0.6, 1.5, 2.5])
def test_an_answer_of_the_numbering_before_is_none_of_the_next(
    delay_us: int, apart_s: float
) -> None:
    one = Slow(50_000, rules=Rules())
    one.begin()
    one.run(8.0)
    one.delay_us = delay_us
    one.number_anew()
    one.run(apart_s)
    one.number_anew(40)
    one.run(20.0)
    true = {(trade.id, trade.time_us) for trade in one.truth}
    said = [(m.epoch, trade.id, trade.time_us) for m in one.published for trade in m.trades]
    assert len(said) == len(set(said))
    assert {(number, time_us) for _, number, time_us in said} <= true
    check_candles(one)


def test_the_past_of_a_new_numbering_is_believed_with_what_comes_after_it() -> None:
    one = unsteady(7, 100_000)
    one.begin()
    one.run(4.0)
    one.lag_us = 300_000
    one.silent = {"trades"}
    one.number_anew()
    one.run(2.0)
    one.silent.clear()
    for _ in range(200):
        if one.session.ledger.epoch == 0:
            one.run(0.1)
    assert one.session.ledger.epoch == 1
    one.wrong = 1.0
    one.run(0.3)
    one.wrong = 0.0
    one.run(12.0)
    true = {(trade.id, trade.time_us): trade for trade in one.truth}
    said = [trade for message in one.published for trade in message.trades]
    assert [trade for trade in said if true[trade.id, trade.time_us] != trade] == []
    assert one.session.ledger.epoch == 1


@pytest.mark.parametrize("lag_us", [0, 60_000, 400_000])
def test_ids_that_went_on_higher_are_recognised_though_answers_lag(lag_us: int) -> None:
    one = unsteady(7)
    one.begin()
    one.run(4.0)
    one.number_anew()
    one.run(5.0)
    one.lag_us = lag_us
    one.rest = "failing"
    one.cut(4_000_000)
    one.run(0.5)
    one.number_anew(100)
    one.run(8.0)
    one.rest = "well"
    asks = one.asks
    goes_on(one, seams=2)
    assert one.asks - asks < 120


def test_a_gap_that_no_answer_is_believed_of_lets_others_have_their_turn() -> None:
    one = unsteady(7)
    one.begin()
    one.run(6.0)
    one.rest = "failing"
    one.drop_next = 5
    one.run(3.0)
    mistell(one, one._next_id + 1, among=6)
    one.run(0.02)
    one.drop_next = 3
    one.run(1.0)
    one.rest = "well"
    one.run(10.0)
    older, _ = sorted(one.gaps.values(), key=lambda gap: gap.first_id)[:2]
    assert older.state == "repaired"


def test_a_first_trade_that_was_wrong_is_no_new_numbering() -> None:
    one = unsteady(7)
    one.begin()
    one.run(6.0)
    one.rest = "failing"
    one.cut(1_000_000)
    one.run(0.9)
    mistell(one, one._next_id + 4, among=80)
    one.run(8.0)
    one.rest = "well"
    one.run(20.0)
    assert one.session.ledger.epoch == 0
    assert all(gap.state == "repaired" for gap in one.gaps.values()), one.gaps


@pytest.mark.parametrize(("below", "every_us"), [(0, 400_000), (1, 400_000), (1, 900_000)])
def test_ids_that_begin_again_just_below_are_a_numbering(below: int, every_us: int) -> None:
    one = Numbered(20_000, rules=KINDS["by id"])
    one.begin()
    one.run(4.0)
    one.number_anew()
    one.run(1.5)
    one.every_us = every_us
    one.run(max(3.0, every_us * 8e-6))
    next_id = one.session.ledger.ids.next_id
    assert next_id is not None
    one.number_anew(next_id - 1 - below)
    one.run(max(8.0, every_us * 8e-6))
    assert one.session.ledger.epoch == 2
    check_candles(one)


@pytest.mark.parametrize("every_us", [20_000, 200_000])
def test_a_numbering_after_a_trade_dated_ahead_begins_when_that_came(every_us: int) -> None:
    one = Numbered(every_us, rules=KINDS["by id"])
    one.begin()
    one.run(4.03)
    one.spoil_next = later_by(1_500_000)
    one.run(max(0.05, every_us * 1.01e-6))
    one.number_anew()
    one.run(20.0)
    known = {(message.epoch, trade.id) for message in one.published for trade in message.trades}
    new = one.truth[one._numberings[-1] :]
    assert all((1, trade.id) in known or one.is_declared(trade) for trade in new)
