"""One message that says what cannot be costs a market a moment, and never its trades for good."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from candles.aggregation import CandleAggregator
from marketstream.messages import Candle, Trade, Trades

MARKET = "binance:BTC/USDT"
START_US = 1_700_006_400_000_000
EVERY_US = 100_000
POISONED_US = START_US + 10_000_000


def usual(number: int, time_us: int) -> Trades:
    trade = Trade(number, 100.0, 1.0, "buy", time_us)
    return Trades(MARKET, (trade,), None, time_us, 2, 3)


def one_trade(message: Trades, **changes: int) -> Trades:
    return replace(message, trades=(replace(message.trades[0], **changes),))


POISONS: dict[str, Callable[[Trades], Trades]] = {
    "the next epoch": lambda message: replace(message, epoch=1),
    "an epoch far ahead": lambda message: replace(message, epoch=10**9),
    "no numbers": lambda message: replace(message, numbered=False),
    "many fills": lambda message: one_trade(message, id=message.trades[0].id + 99_999, count=10**5),
    "an id far ahead": lambda message: one_trade(message, id=10**15),
}


def drive(poison: Callable[[Trades], Trades], *, proven: bool, restarts: bool) -> list[Candle]:
    """Fold ten trades a second for 20 s, the poison in the middle; return the newest revisions."""
    one = CandleAggregator(MARKET, ["1s"])
    candles: dict[int, Candle] = {}
    for at in range(200):
        time_us = START_US + at * EVERY_US
        message = usual(1_000 + at, time_us)
        messages = [poison(message), message] if time_us == POISONED_US else [message]
        if proven:
            messages.append(replace(message, trades=(), proven_until_us=time_us))
        for each in messages:
            if restarts:
                other = CandleAggregator(MARKET, ["1s"])
                other.restore(one.snapshot())
                one = other
            candles |= {candle.open_time_ms: candle for candle in one.update(each)}
    return list(candles.values())


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("proven", [False, True])
@pytest.mark.parametrize("poison", POISONS)
def test_after_one_message_that_cannot_be_all_goes_on(
    poison: str, proven: bool, restarts: bool
) -> None:
    candles = drive(POISONS[poison], proven=proven, restarts=restarts)
    assert len(candles) == 19
    wrong = [candle for candle in candles if candle.complete and candle.trade_count != 10]
    assert wrong == []
    later = [c for c in candles if c.open_time_ms * 1_000 >= POISONED_US + 1_000_000]
    assert {(candle.trade_count, candle.complete) for candle in later} == {(10, True)}


def test_ids_that_leap_ahead_count_once_three_messages_agree() -> None:
    one = CandleAggregator(MARKET, ["1s"])
    one.update(usual(1, START_US))
    ahead = [usual(5_000 + at, START_US + at * EVERY_US) for at in (1, 2, 3)]
    for message in ahead:
        quiet = replace(message, trades=(), proven_until_us=message.seen_until_us)
        assert one.update(message) == []
        assert one.update(quiet) == []
    (candle,) = one.update(usual(5_004, START_US + 1_000_000))
    assert (candle.trade_count, candle.complete, candle.expected_count) == (4, None, None)


def test_old_trades_of_an_older_numbering_are_not_heard_however_many() -> None:
    one = CandleAggregator(MARKET, ["1s"])
    one.update(usual(1, START_US))
    for at in (1, 2):
        one.update(replace(usual(at, START_US + at * EVERY_US), epoch=1))
    for at in range(10):
        assert one.update(usual(10 + at, START_US)) == []
    (candle,) = one.update(replace(usual(3, START_US + 1_000_000), epoch=1))
    assert candle.trade_count == 3
