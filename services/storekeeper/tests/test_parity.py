"""Our candles beside the exchange's own."""

import math

from msgspec.structs import replace

from marketstream.klines import Kline
from marketstream.messages import Candle, Compared
from storekeeper.parity import ParityCount, differences, differences_from

CANDLE = Candle(
    market="binance:BTC/USDT", timeframe="1m", open_time_ms=60_000, close_time_ms=120_000,
    open=48151.1, high=48156.0, low=48128.0, close=48155.99, volume=27.70613,
    quote_volume=1333904.12345679, trade_count=12, taker_buy_volume=13.5,
    taker_buy_quote_volume=650023.00000001,
)  # fmt: skip
KLINE = Kline(
    60_000, "48151.10000000", "48156.00000000", "48128.00000000", "48155.99000000", "27.70613000",
    119_999, "1333904.12345679", 12, "13.50000000", "650023.00000001",
)  # fmt: skip


def test_equal_candles_have_no_differences() -> None:
    assert differences(CANDLE, KLINE) == []


def test_a_field_that_differs_is_named_with_both_numbers() -> None:
    (found,) = differences(CANDLE, replace(KLINE, volume="27.70612000"))
    assert (found.field, found.ours, found.theirs) == ("volume", "27.70613", "27.70612000")
    assert (found.market, found.timeframe, found.open_time_ms) == ("binance:BTC/USDT", "1m", 60_000)


def test_digits_that_the_exchange_cuts_off_are_no_difference() -> None:
    finer = replace(CANDLE, quote_volume=1333904.123456795)
    assert differences(finer, KLINE) == []
    assert differences(replace(CANDLE, quote_volume=1333904.1234568), KLINE) != []


def test_fields_that_the_exchange_does_not_say_are_not_compared() -> None:
    bare = replace(KLINE, trade_count=0, taker_buy_volume="0", taker_buy_quote_volume="0")
    fields = {"open_time_ms", "open", "high", "low", "close", "volume", "quote_volume"}
    assert differences(CANDLE, bare, fields) == []
    (found,) = differences(CANDLE, replace(bare, high="48157"), fields)
    assert found.field == "high"
    parity = ParityCount(fields)
    assert parity.audit([CANDLE], {CANDLE.open_time_ms: bare}) == []
    assert (parity.compared, parity.equal) == (1, 1)


def test_an_audit_counts_and_returns_what_the_exchange_has_otherwise() -> None:
    parity = ParityCount()
    assert parity.rate is None
    lost = replace(CANDLE, open_time_ms=120_000, trade_count=11, volume=27.0)
    known = replace(CANDLE, open_time_ms=180_000, complete=False, volume=1.0)
    elsewhere = replace(CANDLE, open_time_ms=240_000)
    theirs = {
        open_ms: replace(KLINE, open_time_ms=open_ms) for open_ms in (60_000, 120_000, 180_000)
    }
    assert parity.audit([CANDLE, lost, known, elsewhere], theirs) == [lost]
    assert (parity.compared, parity.equal, parity.incomplete, parity.rate) == (2, 1, 1, 0.5)
    assert {difference.field for difference in parity.differences} == {"volume", "trade_count"}
    assert parity.differing == 2
    assert parity.said().timeframes == {"1m": Compared(compared=2, equal=1)}


def test_a_candle_is_compared_with_one_made_of_trades_to_the_last_bit() -> None:
    assert differences_from(CANDLE, replace(CANDLE, revision=3, bid=1.0)) == []
    next_float = math.nextafter(CANDLE.quote_volume, math.inf)
    (found,) = differences_from(CANDLE, replace(CANDLE, quote_volume=next_float))
    assert (found.field, found.theirs) == ("quote_volume", repr(next_float))


def test_a_summary_shows_the_newest_differences() -> None:
    parity = ParityCount()
    for minute in range(1, 9):
        wrong = replace(CANDLE, open_time_ms=minute * 60_000, close=1.0)
        parity.audit([wrong], {wrong.open_time_ms: replace(KLINE, open_time_ms=wrong.open_time_ms)})
    said = parity.said()
    assert (said.compared, said.equal, said.incomplete) == (8, 0, 0)
    assert [one["open_time_ms"] for one in said.differences] == [
        minute * 60_000 for minute in range(4, 9)
    ]
    assert said.differences[0]["theirs"] == "48155.99000000"
