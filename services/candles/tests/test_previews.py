"""Candles shown while they form: how often, what they hold, and that nothing else changes."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from candles.aggregation import CandleAggregator
from marketstream.messages import Candle, Quote, Trade, Trades

MARKET = "binance:BTC/USDT"
START_US = 1_700_000_000_000_000  # a whole second
TIMEFRAMES = ["250ms", "1s"]


def message(
    number: int | None, ms: int, price: float = 100.0, *, bid: float | None = None
) -> Trades:
    at_us = START_US + ms * 1_000
    trades = () if number is None else (Trade(number, price, 0.5, "buy", at_us),)
    quote = None if bid is None else Quote(bid, 1.0, bid + 2.0, 3.0, at_us)
    return Trades(MARKET, trades, quote, at_us)


def previewing(every_ms: int = 100) -> CandleAggregator:
    return CandleAggregator(MARKET, TIMEFRAMES, preview=("1s", every_ms))


def is_forming(candle: Candle) -> bool:
    return candle.state == "forming"


def test_a_forming_candle_holds_what_was_seen_so_far_and_the_newest_book() -> None:
    one = previewing()
    one.update(message(None, -100, bid=90.0))
    one.update(message(1, 0, 100.0, bid=98.0))
    one.update(message(2, 250, 103.0))
    *_, shown = one.update(message(3, 360, 101.0, bid=99.0))
    assert shown == Candle(
        market=MARKET,
        timeframe="1s",
        open_time_ms=START_US // 1_000,
        close_time_ms=START_US // 1_000 + 1_000,
        open=100.0,
        high=103.0,
        low=100.0,
        close=101.0,
        volume=1.5,
        quote_volume=152.0,
        trade_count=3,
        taker_buy_volume=1.5,
        taker_buy_quote_volume=152.0,
        bid=99.0,
        bid_quantity=1.0,
        ask=101.0,
        ask_quantity=3.0,
        first_buy=100.0,
        first_trade_id=1,
        last_trade_id=3,
        state="forming",
        complete=None,
        expected_count=3,
    )


def test_previews_come_no_closer_than_asked_for_and_not_with_a_close() -> None:
    one = previewing(every_ms=100)
    shown = []
    for number, ms in enumerate(range(0, 2_001, 40), 1):
        candles = one.update(message(number, ms, bid=99.0))
        shown += [ms for candle in candles if is_forming(candle)]
        assert not (ms % 1_000 == 0 and ms and any(map(is_forming, candles)))
    assert shown[:4] == [0, 120, 240, 360]
    assert all(late - early >= 100 for early, late in pairwise(shown))
    assert len(shown) == 17


def test_nothing_is_shown_without_a_trade_or_a_book_nor_unless_asked_for() -> None:
    assert previewing().update(message(None, 0, bid=90.0)) == []
    assert previewing().update(message(1, 0)) == []
    silent = CandleAggregator(MARKET, TIMEFRAMES)
    candles = [c for n in range(1, 50) for c in silent.update(message(n, 60 * n))]
    assert not any(map(is_forming, candles))


steps = st.lists(
    st.tuples(st.integers(0, 700), st.booleans(), st.integers(1, 9), st.booleans()), max_size=60
)


@given(steps, st.sampled_from([1, 100, 5_000]))
def test_with_previews_and_without_the_same_candles_close(
    drawn: list[tuple[int, bool, int, bool]], every_ms: int
) -> None:
    with_previews, without = previewing(every_ms), CandleAggregator(MARKET, TIMEFRAMES)
    ms = number = 0
    for step, trades, price, quoted in drawn:
        ms += step
        number += trades
        one = message(
            number if trades else None, ms, 100.0 + price, bid=95.0 + price if quoted else None
        )
        closed = [c for c in with_previews.update(one) if not is_forming(c)]
        assert closed == without.update(one)
    assert with_previews.snapshot() == without.snapshot()
