"""Where the past meets the live trades, what is between them is a gap once, and nothing else is."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from exchanges.events import TradeEvent
from marketstream.messages import Gap, Trade, Trades
from marketstream.metrics import Metrics
from trades.batching import TradesBatcher
from trades.gate import Gate
from trades.repair import Repair

MARKET = "binance:BTC/USDT"
START_US = 1_700_000_000_000_000


class Joining:
    """A market whose past is being read while live trades come."""

    def __init__(self) -> None:
        self.passed: list[Trades] = []
        self.gaps: list[Gap] = []
        self.batcher = TradesBatcher(MARKET, price_decimals=2, quantity_decimals=2)
        self.gate = Gate([MARKET], lambda message, _ns: self.passed.append(message))
        self.repair = Repair(
            {MARKET: self.batcher}, self.gate, lambda _m, _ns: None, self.gaps.append,
            Metrics(CollectorRegistry()), base_ms=250, hold_s=1.0,
        )  # fmt: skip

    def live(self, *ids: int) -> None:
        for number in ids:
            time_us = START_US + number * 1_000
            trade = Trade(number, 100.0, 1.0, "buy", time_us)
            for message in self.batcher.add(TradeEvent(MARKET, trade), time_us):
                self.repair(message, 1)
        message = self.batcher.flush()
        if message is not None:
            self.repair(message, 1)

    def past_until(self, trade_id: int) -> None:
        self.repair.follow_on(MARKET, trade_id, START_US + trade_id * 1_000)

    def ids(self) -> list[int]:
        self.gate.open(MARKET)
        return [trade.id for message in self.passed for trade in message.trades]


def test_what_the_past_fills_after_all_is_no_gap() -> None:
    one = Joining()
    one.past_until(100)
    one.live(105, 106)
    assert one.batcher.missing == 4
    one.past_until(104)
    assert (one.batcher.missing, one.gaps, one.batcher.take_gaps()) == (0, [], [])
    assert one.ids() == [105, 106]


def test_what_the_past_does_not_fill_is_a_gap_once() -> None:
    one = Joining()
    one.past_until(100)
    one.live(105, 106)
    one.past_until(102)
    assert one.batcher.missing == 2
    assert [(gap.first_id, gap.end_id, gap.state) for gap in one.gaps] == [(103, 105, "open")]
    assert one.batcher.take_gaps() == []


def test_live_trades_that_were_there_first_are_followed_on_too() -> None:
    one = Joining()
    one.live(105, 108)
    one.past_until(102)
    assert [(gap.first_id, gap.end_id) for gap in one.gaps] == [(106, 108), (103, 105)]


def test_live_trades_of_the_past_are_dropped() -> None:
    one = Joining()
    one.past_until(104)
    one.live(103, 104, 105)
    one.past_until(104)
    assert one.ids() == [105]
    assert (one.batcher.missing, one.batcher.duplicates, one.gaps) == (0, 2, [])
