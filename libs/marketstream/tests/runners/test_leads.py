"""Times ahead of when they were published: refused, unless the exchange's clock is that far off."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketstream.errors import BadMessage
from marketstream.messages import Quote, Trade, Trades
from marketstream.runners.kafka.leads import Leads

NOW_US = 1_764_000_000_000_000
SECOND_US = 1_000_000
MARKET = "simulator:BTC/USDT"


def of(latest_us: int, number: int = 0) -> Trades:
    trade = Trade(number, 100.0, 1.0, "buy", latest_us - 1)
    return Trades(MARKET, (trade,), None, latest_us)


def begun(ahead_s: float = 0.0) -> Leads:
    leads = Leads()
    for number in range(2):
        leads.check(of(NOW_US + round(ahead_s * SECOND_US), number), NOW_US, NOW_US)
    return leads


@pytest.mark.parametrize("ahead_s", [11, 584, 3_600, 80_000])
def test_one_message_from_the_future_is_refused_and_says_by_how_much(ahead_s: int) -> None:
    leads = begun()
    with pytest.raises(BadMessage, match=rf"{ahead_s}\.0 s after .* by 0\.0 s at most"):
        leads.check(of(NOW_US + ahead_s * SECOND_US), NOW_US, NOW_US)
    leads.check(of(NOW_US), NOW_US, NOW_US)


def test_a_quote_and_what_is_seen_count_as_a_trade_does() -> None:
    late_us = NOW_US + 60 * SECOND_US
    quote = Quote(100.0, 1.0, 101.0, 1.0, late_us)
    for message in (
        Trades(MARKET, (), quote, NOW_US),
        Trades(MARKET, (), None, late_us),
        Trades(MARKET, (), None, NOW_US, proven_until_us=late_us),
    ):
        with pytest.raises(BadMessage, match=r"60\.0 s after"):
            begun().check(message, NOW_US, NOW_US)


def test_an_exchange_whose_clock_is_an_hour_ahead_is_believed_from_its_first_message_on() -> None:
    leads = begun(ahead_s=3_600)
    leads.check(of(NOW_US + 3_605 * SECOND_US), NOW_US, NOW_US)
    with pytest.raises(BadMessage, match=r"by 3600\.0 s at most"):
        leads.check(of(NOW_US + 4_200 * SECOND_US), NOW_US, NOW_US)


def test_the_first_message_of_all_does_not_say_alone_how_far_ahead_is_right() -> None:
    leads = Leads()
    leads.check(of(NOW_US + 584 * SECOND_US), NOW_US, NOW_US)
    leads.check(of(NOW_US), NOW_US, NOW_US)
    with pytest.raises(BadMessage, match=r"584\.0 s after"):
        leads.check(of(NOW_US + 584 * SECOND_US), NOW_US, NOW_US)


def test_a_clock_that_is_set_counts_with_the_third_message() -> None:
    leads = begun()
    ahead_us = 120 * SECOND_US
    for number in range(2):
        with pytest.raises(BadMessage):
            leads.check(of(NOW_US + ahead_us + number * SECOND_US), NOW_US, NOW_US)
    for number in range(2, 5):
        leads.check(of(NOW_US + ahead_us + number * SECOND_US), NOW_US, NOW_US)


def test_messages_from_the_future_between_others_never_agree() -> None:
    leads = begun()
    for _ in range(10):
        with pytest.raises(BadMessage):
            leads.check(of(NOW_US + 584 * SECOND_US), NOW_US, NOW_US)
        leads.check(of(NOW_US), NOW_US, NOW_US)


def test_each_market_has_a_lead_of_its_own() -> None:
    leads = begun(ahead_s=3_600)
    other = Trades("simulator:ETH/USDT", (), None, NOW_US)
    leads.check(other, NOW_US, NOW_US)
    leads.check(other, NOW_US, NOW_US)
    with pytest.raises(BadMessage):
        leads.check(
            Trades(other.market, (), None, NOW_US + 3_600 * SECOND_US), NOW_US, NOW_US
        )  # fmt: skip


def test_what_cannot_be_is_named_as_such_whatever_its_time() -> None:
    absurd = Trades(MARKET, (Trade(1, -1.0, 1.0, "buy", NOW_US),), None, NOW_US + 3_600 * SECOND_US)
    with pytest.raises(BadMessage, match="price -1"):
        begun().check(absurd, NOW_US, NOW_US)


@given(st.lists(st.integers(-(10**14), 0), min_size=3, max_size=30))
def test_the_past_comes_in_any_order(behind_us: list[int]) -> None:
    leads = Leads()
    for one_us in behind_us:
        leads.check(of(NOW_US + one_us), NOW_US, NOW_US)
