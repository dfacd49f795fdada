from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchanges.events import TradeEvent
from marketstream.messages import Gap, Stall, Trade, Trades
from trades.session.market import MarketSession
from trades.session.rules import Known, Mark, Rules

from .world import MARKET, START_US, World, id_plus, later_by, price_of

KINDS = {
    "by id": Rules(),
    "by time": Rules(past="by_time"),
    "by trade": Rules(pages_by_trade=True),
    "heartbeats": Rules(silence="last_id"),
    "by trade, heartbeats": Rules(pages_by_trade=True, silence="last_id"),
    "newest only": Rules(past="by_time", past_trades=100),
    "ordered": Rules(ids="ordered"),
    "opaque": Rules(ids="opaque"),
}
SEQUENCES = int(os.environ.get("REALTIME_SEQUENCES", "150"))


def world(every_us: int = 20_000, kind: str = "by id") -> World:
    one = World(every_us, rules=KINDS[kind])
    one.begin()
    one.run(4.0)
    return one


def healed(one: World) -> None:
    """Let everything be well for long enough that all can be mended."""
    one.rest = "well"
    one.silent.clear()
    one.run(20.0)
    one.check(at_rest=True)
    assert one.missing() == []
    assert one.session.stalls.now is None
    assert not any(gap.state == "open" for gap in one.gaps.values())
    newest = max(message.seen_until_us for message in one.published)
    assert newest > one.now_us - 500_000


@pytest.mark.parametrize("kind", KINDS)
def test_all_is_published_once_where_nothing_fails(kind: str) -> None:
    one = world(kind=kind)
    healed(one)
    assert one.gaps == {}
    assert one.stalls == []
    assert one.refused == []


@pytest.mark.parametrize("ahead_us", [0, 300_000_000])
def test_one_trade_is_not_believed_because_the_exchange_s_clock_once_was_as_far_ahead(
    ahead_us: int,
) -> None:
    one = world()
    one.session.clock_is(one.now_us + ahead_us, one.received_us)
    one.run(5.0)
    one.spoil_next = later_by(300_000_000)
    one.run(5.0)
    assert any("ahead of the exchange's clock" in reason for reason in one.refused)
    healed(one)


@pytest.mark.parametrize("ahead_us", [0, 30_000_000, 300_000_000])
@pytest.mark.parametrize("many", [1, 6])
@pytest.mark.parametrize("reads_past", [True, False])
def test_silence_is_not_proven_by_a_clock_that_only_the_stream_tells(
    ahead_us: int, many: int, reads_past: bool
) -> None:
    one = World(700_000)
    one.rest = "clockless"
    if reads_past:
        one.begin(tells_time=False)
    else:
        one.connect()
    if many == 1:
        one.spoil_next = later_by(ahead_us)
    one.run(15.0)
    if many > 1:
        one.spoil_next, one.spoil_more = later_by(ahead_us), many - 1
    one.run(60.0)
    assert one.published
    assert all(message.proven_until_us is None for message in one.published)


def test_new_numbering_after_a_trade_that_was_ahead_is_read_from_its_first() -> None:
    one = world()
    one.spoil_next = later_by(1_500_000)
    one.run(0.15)
    one.number_again()
    before = len(one.truth)
    one.run(20.0)
    came = {(trade.id, trade.time_us) for message in one.published for trade in message.trades}
    settled = [trade for trade in one.truth[before:] if trade.time_us < one.now_us - 1_000_000]
    assert all((trade.id, trade.time_us) in came for trade in settled)


def test_connection_that_is_lost_before_the_first_trade_has_missed_none() -> None:
    one = World(20_000)
    for _ in range(300):
        one.now_us += one.every_us
        one.trade()
    one.session.clock_is(one.now_us, one.received_us)
    one.silent.add("trades")
    one.connect()
    one.run(0.2)
    one.cut()
    one.silent.clear()
    one.run(20.0)
    assert one.gaps == {}
    first = min(trade.id for message in one.published for trade in message.trades)
    assert first > 1_300, "nothing of before is asked for"


def test_refused_clock_holds_nothing_else_up() -> None:
    one = world()
    one.rest = "clockless"
    one.session.plausibility.wants_time = True
    one.run(60.0)
    one.cut()
    one.run(5.0)
    assert one.missing() == []
    one.check(at_rest=True)


def test_gap_is_mended_by_time_where_pages_overlap() -> None:
    one = world(every_us=400, kind="by time")
    one.cut(1_000_000)
    healed(one)


def test_moment_that_fills_more_than_a_page_is_a_declared_gap() -> None:
    one = world(kind="by time")
    one.cut(1_000_000)
    for _ in range(250):
        one.trade()
    one.run(120.0)
    one.check(at_rest=True)
    assert [gap.state for gap in one.gaps.values()].count("lost") == 1


def test_what_is_older_than_the_newest_page_is_lost_at_once() -> None:
    one = world(kind="newest only")
    one.cut(4_000_000)
    one.run(6.0)
    asks = one.asks
    one.run(10.0)
    one.check(at_rest=True)
    assert one.asks - asks < 5
    lost = [gap for gap in one.gaps.values() if gap.state == "lost"]
    assert [gap.reason for gap in lost] == ["the exchange gives no more than its newest 100 trades"]


def test_heartbeat_proves_silence_without_asking() -> None:
    one = world(kind="heartbeats")
    one.every_us = 1 << 50
    one.run(1.0)
    asks = one.asks
    one.run(20.0)
    assert one.asks == asks
    assert max(message.seen_until_us for message in one.published) > one.now_us - 2_500_000


def test_heartbeat_that_names_a_newer_trade_opens_a_gap_at_once() -> None:
    one = world(every_us=400_000, kind="heartbeats")
    one.silent.add("trades")
    one.run(2.5)
    assert [gap.state for gap in one.gaps.values()][:1] != []
    one.silent.clear()
    healed(one)


def test_jump_of_ids_that_only_rise_is_no_gap_and_a_lost_connection_is_one_by_time() -> None:
    published: list[Trades | Gap | Stall] = []
    session = MarketSession(
        MARKET, lambda message, _: published.append(message), Rules(ids="ordered")
    )

    def trade(number: int) -> None:
        at_us = START_US + number * 1_000
        one = Trade(number, 100.0, 1.0, "buy", at_us)
        for _ in range(2):
            session.add(TradeEvent(MARKET, one), at_us)
        session.flush(at_us)

    session.connected(START_US)
    for number in (7, 1_000, 5_000):
        trade(number)
    session.lost(START_US + 5_000_000)
    session.connected(START_US + 5_500_000)
    for number in (6_000, 9_000):
        trade(number)
    ids = [one.id for each in published if isinstance(each, Trades) for one in each.trades]
    assert ids == [7, 1_000, 5_000, 6_000, 9_000]
    gaps = [each for each in published if isinstance(each, Gap)]
    assert [(gap.first_id, gap.end_id, gap.state) for gap in gaps] == [(6_000, 6_000, "lost")]
    assert (gaps[0].since_us, gaps[0].until_us) == (START_US + 5_000_000, START_US + 6_000_000)


@pytest.mark.parametrize("seconds", [0.5, 3.0, 60.0, 245.0])
def test_zombie_is_dropped_and_what_it_left_out_comes_first(seconds: float) -> None:
    one = world()
    one.silent.update({"trades", "quotes"})
    one.run(seconds)
    one.silent.clear()
    healed(one)
    assert [stall.end for stall in one.stalls if stall.end == "zombie"] or seconds < 1


def test_trades_by_rest_say_how_long_a_time_they_may_stand_for() -> None:
    one = World(20_000, rules=Rules(past_resolution_ms=100))
    one.begin()
    one.run(4.0)
    one.cut(1_000_000)
    one.run(5.0)
    live = [message for message in one.published if message.quote is not None]
    assert {message.spread_us for message in live} == {0}
    assert any(message.spread_us == 100_000 for message in one.published if message.trades)


def test_time_stands_still_in_a_silence_that_nobody_can_prove() -> None:
    one = world()
    at_us = one.now_us
    one.silent.add("trades")
    one.rest = "failing"
    one.run(30.0)
    assert max(message.seen_until_us for message in one.published) < at_us + 1_500_000
    assert one.session.stalls.now is not None
    healed(one)


def test_quiet_market_goes_on_by_what_the_exchange_says() -> None:
    one = world()
    one.every_us = 1 << 50
    one.run(30.0)
    assert max(message.seen_until_us for message in one.published) > one.now_us - 2_500_000
    assert [stall for stall in one.stalls if stall.end == "zombie"] == []
    one.every_us = 20_000
    healed(one)


def test_lost_connection_while_rest_fails_lets_live_trades_go_on_and_mends_later() -> None:
    one = world()
    one.rest = "failing"
    one.cut(5_000_000)
    one.run(15.0)
    assert [gap.state for gap in one.gaps.values()] == ["open"]
    assert max(message.seen_until_us for message in one.published) > one.now_us - 500_000
    healed(one)


@pytest.mark.parametrize(("last", "until"), [(49, 149), (49, 146), (49, 100), (49, 50), (30, 30)])
def test_gap_beyond_the_last_known_trade_is_repaired_after_a_start(last: int, until: int) -> None:
    """What is stored may end before a gap, or cover time in which trades are missing."""
    one = World()
    for _ in range(200):
        one.now_us += one.every_us
        one.trade()
    missing = one.truth[50:150]
    gap = Gap(
        MARKET, missing[0].id, missing[-1].id + 1, one.truth[49].time_us, one.truth[150].time_us,
        "open",
    )  # fmt: skip
    one.gaps[gap.identity] = gap
    known = Known(one.truth[last].id, one.truth[until].time_us, gaps=[gap])
    one.session.start(one.received_us, from_us=known.time_us, known=known, exchange_us=one.now_us)
    one.connect()
    one.run(2.0)
    healed(one)
    came = {trade.id for message in one.published for trade in message.trades}
    assert {trade.id for trade in missing} <= came
    assert one.gaps[gap.identity].state == "repaired"


@pytest.mark.parametrize("traded", [True, False])
def test_start_goes_on_in_the_numbering_that_was_known(traded: bool) -> None:
    one = World()
    for _ in range(200):
        one.now_us += one.every_us
        one.trade()
    last = one.truth[99]
    known = Known(last.id if traded else None, last.time_us, epoch=2, price=last.price)
    one.session.start(one.received_us, from_us=last.time_us, known=known, exchange_us=one.now_us)
    one.connect()
    one.run(2.0)
    one.drop_next = 3
    one.run(2.0)
    healed(one)
    assert {message.epoch for message in one.published if message.trades} == {2}
    assert {(gap.epoch, gap.state) for gap in one.gaps.values()} == {(2, "repaired")}


@pytest.mark.parametrize("every_us", [1_000, 4_000, 20_000])
@pytest.mark.parametrize("cell_us", [250_000, 1_000_000])
def test_a_start_from_a_stored_candle_of_a_busy_market_goes_on_with_its_numbering(
    every_us: int, cell_us: int
) -> None:
    """When in the candle its last trade was is not stored, and many came shortly before."""
    one = World(every_us, page=1_000)
    for _ in range(4_000_000 // every_us):
        one.now_us += every_us
        one.trade()
    cell = one.truth[-1].time_us // cell_us - 1
    last = next(trade for trade in reversed(one.truth) if trade.time_us // cell_us == cell)
    since_us = cell * cell_us
    mark = Mark.between(last.id, last.price, since_us, since_us + cell_us)
    known = Known(last.id, since_us, price=last.price, mark=mark)
    one.session.start(one.received_us, from_us=since_us, known=known, exchange_us=one.now_us)
    one.connect()
    one.run(6.0)
    assert one.session.ledger.epoch == 0
    assert one.gaps == {}
    came = {trade.id for message in one.published for trade in message.trades}
    assert came >= set(range(last.id + 1, one.truth[-1].id - 1_000_000 // every_us))


@pytest.mark.parametrize("known", [Known(1_050, START_US, epoch=1), Known(), Known(epoch=1)])
def test_gap_that_a_start_does_not_go_on_from_is_given_up(known: Known) -> None:
    """Nobody would ask for it any more: what is lost is looked for by who mends what is stored."""
    one = World()
    one.trade()
    gap = Gap(MARKET, 900, 950, START_US - 9_000_000, START_US - 8_000_000, "open")
    one.gaps[gap.identity] = gap
    start = known._replace(gaps=[gap])
    one.session.start(one.received_us, from_us=START_US - 1_000_000, known=start)
    assert one.gaps[gap.identity].state == "lost"


@pytest.mark.parametrize("resumes", [True, False])
def test_another_markets_trades_are_not_taken_for_the_past_of_a_start(resumes: bool) -> None:
    one = World()
    one.rest = "another"
    if resumes:
        for _ in range(200):
            one.now_us += one.every_us
            one.trade()
        last = one.truth[99]
        known = Known(last.id, last.time_us, price=last.price)
        one.session.start(one.received_us, from_us=last.time_us, known=known)
        one.connect()
    else:
        one.begin()
    one.run(3.0)
    one.rest = "well"
    one.run(3.0)
    assert len(one.published) > 100
    healed(one)


def test_a_past_beside_which_the_stream_says_nothing_is_read_after_a_while() -> None:
    one = World(silent={"trades", "quotes"})
    one.begin()
    one.run(2.5)
    assert one.published == []
    one.run(1.5)
    assert len(one.published) > 5


@pytest.mark.parametrize(("off_us", "is_proven"), [(0, True), (3_600_000_000, False)])
def test_before_the_first_trade_a_clock_that_is_off_proves_nothing(
    off_us: int, is_proven: bool
) -> None:
    one = World(every_us=1 << 60)
    past = one.trade()
    one.now_us += 1_000_000
    known = Known(past.id, past.time_us, price=past.price)
    one.session.start(
        one.received_us, from_us=past.time_us, known=known, exchange_us=one.now_us + off_us
    )
    one.connect()
    one.run(10.0)
    proven_us = [said.proven_until_us for said in one.published if said.proven_until_us is not None]
    assert bool(proven_us) is is_proven
    assert all(until_us <= one.now_us for until_us in proven_us)


def test_a_start_by_a_clock_that_was_an_hour_ahead_goes_on_once_the_clock_is_right() -> None:
    one = World(20_000)
    for _ in range(150):
        one.now_us += one.every_us
        one.trade()
    ahead_us = one.now_us + 3_600_000_000
    one.session.start(one.received_us, from_us=ahead_us - 2_000_000, exchange_us=ahead_us)
    one.connect()
    one.run(15.0)
    newest_us = max(message.seen_until_us for message in one.published)
    assert one.now_us - 1_000_000 < newest_us <= one.now_us


@pytest.mark.parametrize("quiet_s", [0.0, 3.0])
def test_a_restart_by_a_clock_that_is_an_hour_ahead_dates_nothing_by_it(quiet_s: float) -> None:
    one = World(20_000)
    for _ in range(150):
        one.now_us += one.every_us
        one.trade()
    last = one.truth[99]
    known = Known(last.id, last.time_us, one.truth[80:100], price=last.price, mark=Mark.of(last))
    one.session.start(
        one.received_us,
        from_us=last.time_us,
        known=known,
        exchange_us=one.now_us + 3_600_000_000,
    )
    one.connect()
    one.silent.add("trades")
    one.run(quiet_s)
    one.silent.clear()
    one.run(5.0)
    quotes = [message.quote for message in one.published if message.quote is not None]
    assert len(quotes) > 20
    assert all(quote.time_us <= one.now_us for quote in quotes)
    healed(one)


def test_a_trade_minutes_ahead_is_put_aside_though_the_clock_that_was_asked_was_an_hour_ahead() -> (
    None
):
    one = World(200_000)
    for _ in range(150):
        one.now_us += one.every_us
        one.trade()
    one.session.start(
        one.received_us, from_us=one.now_us - 2_000_000, exchange_us=one.now_us + 3_600_000_000
    )
    one.connect()
    one.rest = "clockless"
    one.run(1.0)
    one.spoil_next = SPOILS["minutes ahead"]
    one.run(5.0)
    assert len(one.refused) == 1
    healed(one)


def test_what_was_missed_without_a_connection_is_not_held_against_the_next_one() -> None:
    one = world()
    one.cut(for_us=12_000_000)
    one.session.joining.let_go(one.received_us)  # what an answer said that was on its way
    one.run(11.5)
    assert not one.connected
    assert one.session.drop is None
    healed(one)


def test_what_two_lost_connections_missed_comes_first_though_the_next_one_says_nothing_yet() -> (
    None
):
    one = world()
    one.rest = "failing"
    one.cut(50_000)
    one.run(0.25)  # what comes live waits
    one.rest = "well"
    one.cut(50_000)
    one.silent = {"trades", "quotes"}
    one.run(0.15)  # REST tells all that the first one missed; of the second nobody knows yet
    one.silent = set()
    one.run(3.0)
    healed(one)
    ids = [trade.id for message in one.published for trade in message.trades]
    assert ids == sorted(ids)


@pytest.mark.parametrize("state", ["empty", "behind", "holes"])
def test_rest_that_does_not_have_it_yet_is_asked_again(state: str) -> None:
    one = world()
    one.rest = state
    one.cut(5_000_000)
    one.run(10.0)
    healed(one)


@pytest.mark.parametrize("every_us", [20_000, 400_000])
@pytest.mark.parametrize("kind", ["by id", "by trade, heartbeats"])
@pytest.mark.parametrize("breaks", ["drop", "cut", "zombie"])
def test_another_market_of_the_same_ids_and_a_near_price_is_not_believed(
    breaks: str, kind: str, every_us: int
) -> None:
    one = world(every_us, kind)
    one.rest = "alike"
    do(one, breaks)
    one.run(6.0)
    one.check()
    one.rest = "well"
    healed(one)
    assert {gap.state for gap in one.gaps.values()} <= {"repaired"}


def test_a_trade_that_the_exchange_does_not_give_holds_nothing_up_for_long() -> None:
    """As one with an insurance fund, which the stream tells and an answer does not."""
    one = world()
    while one.session.ledger.ids.next_id != one.truth[-1].id + 1:
        one.run(0.05)
    one.truth.pop()
    one.drop_next = 3
    one.run(1.0)
    assert [gap.state for gap in one.gaps.values()] == ["open"]
    one.run(20.0)
    assert [gap.state for gap in one.gaps.values()] == ["repaired"]


@pytest.mark.parametrize("kind", ["by id", "by time", "by trade", "heartbeats"])
@pytest.mark.parametrize("missed", [3, 150])
def test_what_is_missed_after_a_trade_that_is_dated_ahead_is_asked_for(
    kind: str, missed: int
) -> None:
    one = world(100_000, kind)

    def dated(trade: Trade) -> Trade:
        later = later_by(1_900_000)(trade)
        one.truth[one.truth.index(trade)] = later
        return later

    one.spoil_next = dated
    one.run(0.1)
    one.drop_next = missed
    one.run(10.0)
    healed(one)
    assert {gap.state for gap in one.gaps.values()} == {"repaired"}


@pytest.mark.parametrize("connects", [True, False])
def test_pages_of_two_numberings_are_not_taken_for_one(connects: bool) -> None:
    """A start begins to read the past by time, where the old ids still are; then it goes by ids."""
    one = World(page=50)
    one.now_us = START_US
    for _ in range(300):
        one.now_us += one.every_us
        one.trade()
    one.number_again()
    for _ in range(1_500):
        one.now_us += one.every_us
        one.trade()
    one.session.start(one.received_us, from_us=one.truth[0].time_us, exchange_us=one.now_us)
    if connects:
        one.connect()
    one.run(90.0)
    one.check(at_rest=True)
    first = next(trade for trade in one.truth if trade.id == 1)
    assert one.is_declared(first)


SPOILS = {
    "price 0.01": price_of(0.01),
    "price 1e6": price_of(1e6),
    "minutes ahead": later_by(300_000_000),
    "hours ahead": later_by(7_200_000_000),
    "decades ahead": later_by(10**15 * 2),
    "minutes behind": later_by(-300_000_000),
    "id far ahead": id_plus(123_456),
    "id very far ahead": id_plus(10**12),
    "id behind": id_plus(-10),
    "id far behind": id_plus(-(10**9)),
}


@pytest.mark.parametrize("spoil", SPOILS)
def test_trade_that_makes_no_sense_is_put_aside_and_had_again(spoil: str) -> None:
    one = world()
    one.spoil_next = SPOILS[spoil]
    one.run(5.0)
    healed(one)
    assert len(one.refused) == 1


@pytest.mark.parametrize("reconnects", [False, True])
@pytest.mark.parametrize("count", [3, 8, 30])
@pytest.mark.parametrize("spoil", ["id far ahead", "id very far ahead", "id behind by 900"])
def test_wrong_ids_in_a_row_are_not_believed_where_the_exchange_knows_none_of_them(
    spoil: str, count: int, *, reconnects: bool
) -> None:
    one = world()
    if reconnects:
        one.cut()
    one.spoil_next = {**SPOILS, "id behind by 900": id_plus(-900)}[spoil]
    one.spoil_more = count - 1
    one.run(8.0)
    healed(one)
    assert one.session.ledger.epoch == 0
    assert {gap.state for gap in one.gaps.values()} == {"repaired"}


def test_ids_far_ahead_are_believed_in_the_end_where_nobody_answers() -> None:
    one = world()
    one.rest = "failing"
    one.drop_next = 100
    one.run(5.0)
    assert max(message.seen_until_us for message in one.published) > one.now_us - 500_000
    healed(one)


def test_ids_that_begin_again_are_another_numbering() -> None:
    one = world()
    one.number_again()
    healed(one)
    seams = [gap for gap in one.gaps.values() if gap.first_id == gap.end_id]
    assert len(seams) == 1
    assert one.published[-1].epoch == 1


# A wrong id that happens to be the next one cannot be told from a true one: audits see to that.
OPERATIONS = [
    "run", "long run", "cut", "long cut", "drop", "many drops", "repeat", "swap", "zombie",
    "silent trades", "silent quotes", "speak", "rest well", "rest failing", "rest empty",
    "rest behind", "rest holes", "rest clockless", "rest alike", "number again",
    "wrong ids in a row",
    *sorted(SPOILS.keys() - {"id behind"}),
]  # fmt: skip

# Where ids do not number trades, nothing shows one that never came, nor an id that is not its own.
_UNSEEN = {
    "drop", "many drops", "zombie", "silent trades", "number again", "wrong ids in a row",
    *(spoil for spoil in SPOILS if spoil.startswith("id ")),
}  # fmt: skip
OPERATIONS_OF = {
    kind: [one for one in OPERATIONS if rules.numbered or one not in _UNSEEN]
    for kind, rules in KINDS.items()
}


def do(one: World, operation: str) -> None:
    match operation:
        case "run":
            one.run(0.3)
        case "long run":
            one.run(3.0)
        case "cut":
            one.cut()
        case "long cut":
            one.cut(4_000_000)
        case "drop":
            one.drop_next += 1
        case "many drops":
            one.drop_next += 40
        case "repeat":
            one.repeat_next += 1
        case "swap":
            one.swap_next = True
        case "zombie":
            one.silent |= {"trades", "quotes"}
        case "silent trades":
            one.silent.add("trades")
        case "silent quotes":
            one.silent.add("quotes")
        case "speak":
            one.silent.clear()
        case "number again":
            one.number_again()
        case "wrong ids in a row":
            one.spoil_next, one.spoil_more = SPOILS["id far ahead"], 9
        case "rest alike":
            one.answer_alike()
        case _ if operation.startswith("rest "):
            one.rest = operation.removeprefix("rest ")
        case _:
            one.spoil_next, one.spoil_more = SPOILS[operation], 0
            one.run(0.1)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=SEQUENCES, deadline=None)
@given(st.data(), st.sampled_from([20_000, 400_000]))
def test_nothing_is_lost_doubled_or_untrue_whatever_happens(
    kind: str, data: st.DataObject, every_us: int
) -> None:
    operations = data.draw(st.lists(st.sampled_from(OPERATIONS_OF[kind]), max_size=25))
    one = World(every_us, rules=KINDS[kind])
    one.begin()
    if not one.rules.numbered:
        one.run(1.0)  # there is no past that the first live trade could be held against
    for operation in operations:
        do(one, operation)
        one.run(0.1)
    one.check()
    one.rest = "well"
    one.silent.clear()
    one.drop_next = 0
    one.run(30.0)
    one.check(at_rest=True)
