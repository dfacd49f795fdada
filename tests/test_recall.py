"""From where a start asks the exchange for what follows on what is stored."""

from __future__ import annotations

from msgspec.structs import replace

from candles.aggregation import CandleAggregator
from exchange_simulator import SeededMarket
from exchange_simulator.market.messages import trades_messages
from marketstream.messages import Candle
from realtime_training.recall import asked_from_us, last_trade_id

FROM_US = 1_700_000_000_000_000


def candles_of() -> list[Candle]:
    aggregator = CandleAggregator("simulator:BTC/USDT", ["250ms"])
    tape = SeededMarket("BTC/USDT", 3)
    messages = trades_messages(tape, "simulator:BTC/USDT", FROM_US, FROM_US + 5_000_000)
    return [candle for message in messages for candle in aggregator.update(message)]


def test_what_follows_is_asked_for_since_the_candle_of_the_last_trade_began() -> None:
    candles = candles_of()
    assert asked_from_us(candles) == candles[-1].open_time_ms * 1_000


def test_candles_without_trades_do_not_say_that_nothing_traded() -> None:
    candles = candles_of()
    flat = [replace(candle, trade_count=0, last_trade_id=None) for candle in candles[-3:]]
    assert asked_from_us([*candles[:-3], *flat]) == candles[-4].open_time_ms * 1_000
    assert last_trade_id([*candles[:-3], *flat]) == candles[-4].last_trade_id


def test_where_nothing_traded_all_is_asked_for_after_the_candles() -> None:
    flat = [replace(candle, trade_count=0, last_trade_id=None) for candle in candles_of()]
    assert asked_from_us(flat) == flat[-1].close_time_ms * 1_000 - 1
