"""What is counted of a market, on each database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from marketstream.messages import Candle, Gap, Stall
from marketstream.store.counts import CandleCounts, Doubt, GapCounts, Numbering
from marketstream.store.port import Store
from marketstream.store.sql import open_store

MARKET = "binance:BTC/USDT"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url)
    yield opened
    opened.close()


def candle(
    open_time_ms: int,
    complete: bool | None = True,
    first_id: int | None = None,
    trades: int = 0,
    timeframe: str = "1s",
    **changed: object,
) -> Candle:
    values = {
        "market": MARKET, "timeframe": timeframe, "open_time_ms": open_time_ms,
        "close_time_ms": open_time_ms + (1_000 if timeframe == "1s" else 250), "open": 1.0,
        "high": 1.0, "low": 1.0, "close": 1.0, "volume": 1.0, "quote_volume": 1.0,
        "trade_count": trades, "taker_buy_volume": 0.0, "taker_buy_quote_volume": 0.0,
        "first_trade_id": first_id, "last_trade_id": first_id and first_id + trades - 1,
        "expected_count": trades, "complete": complete, **changed,
    }  # fmt: skip
    return Candle(**values)  # type: ignore[arg-type]


def test_a_market_nobody_stored_has_an_empty_ledger_and_no_newest_candle(store: Store) -> None:
    ledger = store.ledger(MARKET, 0, 10_000)
    assert [list(part) for part in ledger] == [[]] * 8
    assert store.newest_ms(MARKET) is None


def test_candles_are_counted_by_certificate_the_finest_timeframe_first(store: Store) -> None:
    store.write([
        candle(0), candle(1_000, False, filled=True, revision=2), candle(2_000, None),
        candle(3_000, trades=3, expected_count=4), candle(4_000, state="forming"),
        candle(500, timeframe="250ms"), candle(0, market="binance:ETH/USDT"), candle(9_000),
    ])  # fmt: skip
    assert store.ledger(MARKET, 0, 9_000).candles == [
        CandleCounts("250ms", 1, 1, 0, 0, 0, 0, 0, 750),
        CandleCounts("1s", 4, 2, 1, 1, 1, 1, 1, 4_000),
    ]
    assert store.newest_ms(MARKET) == 10_000


def test_candles_on_end_that_are_alike_in_doubt_are_one_run_in_order_of_time(store: Store) -> None:
    doubted = {1_000: False, 2_000: False, 3_000: None, 4_000: False, 7_000: None, 8_000: None}
    store.write([candle(time, doubted.get(time, True)) for time in range(0, 10_000, 1_000)])
    assert store.ledger(MARKET, 0, 10_000).doubts == [
        Doubt(1_000, 3_000, 2, complete=False), Doubt(3_000, 4_000, 1, complete=None),
        Doubt(4_000, 5_000, 1, complete=False), Doubt(7_000, 9_000, 2, complete=None),
    ]  # fmt: skip


def test_gaps_and_stalls_that_reach_into_the_range_are_listed_in_order_and_counted(
    store: Store,
) -> None:
    before, over, inside, after = (
        Gap(MARKET, 1, 3, 1_000_000, 2_000_000, "repaired"),
        Gap(MARKET, 5, 9, 2_000_000, 6_000_000, "lost", "no such trades"),
        Gap(MARKET, 11, 12, 7_000_000, 7_500_000, "repaired"),
        Gap(MARKET, 20, 22, 9_000_000, None),
    )
    lasting = Gap(MARKET, 3, 4, 500_000, None)
    store.write([before, inside, over, after, lasting])
    quiet = Stall(MARKET, 1_000_000, "trades", 4_000_000, "quiet")
    lasting_stall = Stall(MARKET, 200_000, "quotes")
    store.write([quiet, lasting_stall, Stall(MARKET, 1_000_000, "quotes", 3_000_000, "zombie")])
    ledger = store.ledger(MARKET, 3_000, 9_000)
    assert ledger.gaps == [lasting, over, inside]
    assert ledger.gap_counts == [
        GapCounts(0, "lost", 1, 4), GapCounts(0, "open", 1, 1), GapCounts(0, "repaired", 1, 1),
    ]  # fmt: skip
    assert ledger.stalls == [lasting_stall, quiet]
    assert ledger.stall_counts == {"open": 1, "quiet": 1}


def test_each_numbering_has_its_own_ids_and_the_candle_it_ended_in_counts_in_neither(
    store: Store,
) -> None:
    store.write([
        candle(0, first_id=100, trades=10), candle(1_000, first_id=110, trades=5),
        candle(2_000, None, first_id=1, trades=120), candle(3_000, first_id=5, trades=7),
        candle(4_000, first_id=12, trades=1),
        Gap(MARKET, 115, 115, 2_300_000, 2_700_000, "lost", "the numbering begins again"),
    ])  # fmt: skip
    assert store.ledger(MARKET, 0, 5_000).numberings == [
        Numbering(0, 0, 2_000, 100, 114, 15), Numbering(1, 3_000, 5_000, 5, 12, 8),
    ]  # fmt: skip
    assert store.ledger(MARKET, 4_000, 5_000).numberings == [Numbering(1, 4_000, 5_000, 12, 12, 1)]
    assert store.ledger(MARKET, 0, 1_000).numberings == [Numbering(0, 0, 1_000, 100, 109, 10)]


def test_numberings_that_end_at_one_time_are_told_in_order_however_they_were_written(
    store: Store,
) -> None:
    ends = [
        Gap(MARKET, 9, 9, 2_300_000, 2_700_000, "lost", epoch=0),
        Gap(MARKET, 2, 2, 2_300_000, 2_400_000, "lost", epoch=1),
    ]
    store.write([candle(0, first_id=5, trades=4), candle(4_000, first_id=1, trades=2)])
    store.write(ends[1:])
    store.write(ends[:1])
    assert store.gaps(MARKET, 0, 5_000) == ends[::-1]  # by their ids, where they begin together
    assert [each.epoch for each in store.ledger(MARKET, 0, 5_000).numberings] == [0, 1, 2]
