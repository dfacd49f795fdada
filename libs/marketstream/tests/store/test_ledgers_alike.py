"""Of the same rows every database counts the same ledger, and one of a single moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from marketstream.integrity import integrity
from marketstream.messages import Audit, Candle, Channel, Gap, GapState, Stall, StallEnd
from marketstream.store.port import Store
from marketstream.store.sql import open_store
from marketstream.store.testing import PostgresServer

END_MS = 2_000
NUMBERS = count()

TIMES_US = st.integers(0, 4).map(lambda halves: halves * 500_000)
GAPS = st.builds(
    lambda first_id, ids, *rest: Gap("", first_id, first_id + ids, *rest),
    st.integers(1, 3),
    st.integers(0, 1),
    TIMES_US,
    st.none() | TIMES_US,
    st.sampled_from(get_args(GapState.__value__)),
    st.sampled_from([None, "no such trades"]),
    st.integers(0, 2),
)
STALLS = st.builds(
    Stall,
    st.just(""),
    TIMES_US,
    st.sampled_from(get_args(Channel.__value__)),
    st.none() | TIMES_US,
    st.sampled_from(get_args(StallEnd.__value__)),
)

AUDITS = st.builds(
    Audit,
    st.just(""),
    st.sampled_from(["250ms", "1s", "1m"]),
    *[st.integers(0, 4).map(lambda halves: halves * 500)] * 2,
    *[st.integers(0, 3)] * 3,
)


@st.composite
def candles(draw: st.DrawFn) -> Candle:
    timeframe, length_ms = draw(st.sampled_from([("250ms", 250), ("1s", 1_000)]))
    open_time_ms = draw(st.integers(0, END_MS // length_ms)) * length_ms
    trades = draw(st.integers(0, 3))
    first_id = draw(st.integers(1, 2**62)) if trades else None
    return Candle(
        "", timeframe, open_time_ms, open_time_ms + length_ms, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0,
        trades, 1.0, 1.0, first_trade_id=first_id,
        last_trade_id=None if first_id is None else first_id + trades - 1,
        state=draw(st.sampled_from(["closed", "closed", "forming"])),
        revision=draw(st.integers(0, 2)), complete=draw(st.sampled_from([True, False, None])),
        filled=draw(st.booleans()), expected_count=draw(st.none() | st.just(trades)),
    )  # fmt: skip


@pytest.fixture
def stores(tmp_path: Path, postgres: PostgresServer, database: str) -> Iterator[list[Store]]:
    with ExitStack() as opened:
        yield [
            opened.enter_context(closing(open_store(url)))
            for url in (f"sqlite:///{tmp_path}/realtime.sqlite", postgres.url(database))
        ]


@settings(
    max_examples=100,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # two databases shrink for minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    rows=st.lists(GAPS | STALLS | AUDITS | candles(), max_size=40),
    split=st.integers(0, 40),
    window=st.tuples(st.integers(0, END_MS), st.integers(1, END_MS)),
)
def test_every_database_tells_the_same_of_the_same_rows(
    stores: Sequence[Store],
    rows: list[Gap | Stall | Audit | Candle],
    split: int,
    window: tuple[int, int],
) -> None:
    market = f"binance:{next(NUMBERS)}/USDT"
    named = [msgspec.structs.replace(row, market=market) for row in rows]
    for store in stores:
        store.write(named[:split])
        store.write(named[split:])
    for from_ms, to_ms in [(0, END_MS + 1_000), (window[0], window[0] + window[1])]:
        lite, postgres = (store.ledger(market, from_ms, to_ms) for store in stores)
        assert postgres == lite
        told = [integrity(market, from_ms, to_ms, ledger) for ledger in (lite, postgres)]
        assert msgspec.json.encode(told[1]) == msgspec.json.encode(told[0])
    lite, postgres = stores
    assert postgres.gaps(market, 0, END_MS) == lite.gaps(market, 0, END_MS)
    assert postgres.open_gaps(market) == lite.open_gaps(market)
    gaps = lite.gaps(market, 0, END_MS + 1)  # of what is told twice one stays
    ends = [gap for gap in gaps if gap.first_id == gap.end_id]
    epoch = max([0, *(gap.epoch for gap in gaps), *(gap.epoch + 1 for gap in ends)])
    since_us = max(
        (gap.since_us if gap.until_us is None else gap.until_us for gap in ends), default=0
    )
    assert postgres.numbering(market) == lite.numbering(market) == (epoch, since_us)
    assert postgres.stalls(market, 0, END_MS) == lite.stalls(market, 0, END_MS)
    assert postgres.newest_ms(market) == lite.newest_ms(market)


def test_of_more_gaps_than_are_listed_every_database_lists_the_same(
    stores: Sequence[Store],
) -> None:
    market = "binance:BTC/USDT"
    gaps = [Gap(market, number, number + 1, number // 7 * 1_000, 2_000_000, "lost", None, epoch)
            for number in range(200) for epoch in (2, 0, 1)]  # fmt: skip
    for store, written in zip(stores, (gaps, gaps[::-1]), strict=True):
        store.write(written)
    lite, postgres = (store.ledger(market, 0, END_MS) for store in stores)
    assert postgres == lite
    assert (len(lite.gaps), sum(counts.gaps for counts in lite.gap_counts)) == (500, 600)


def test_markets_come_in_one_order_whatever_a_database_thinks_of_punctuation(
    stores: Sequence[Store],
) -> None:
    markets = ["binance:BTC/USDT", "binance-usdm:BTC/USDT:USDT", "okx:größe/USDT", "okx:ZRX/USDT"]
    for store in stores:
        store.write([closed(market, 0) for market in markets])
    assert [store.markets() for store in stores] == [sorted(markets)] * 2


def closed(market: str, number: int) -> Candle:
    return Candle(
        market, "1s", number * 1_000, number * 1_000 + 1_000, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1, 1.0,
        1.0, first_trade_id=number, last_trade_id=number, complete=False,
    )  # fmt: skip


def test_a_ledger_is_of_one_moment_while_more_is_written(url: str) -> None:
    market, batches = "binance:BTC/USDT", 300
    with closing(open_store(url)) as store:

        def write() -> None:
            for number in range(batches):
                gap = Gap(market, number, number + 1, number * 1_000_000, None, "lost")
                store.write([closed(market, number), gap])

        writing = threading.Thread(target=write)
        writing.start()
        seen = []
        while writing.is_alive():
            ledger = store.ledger(market, 0, batches * 1_000)
            gaps = sum(counts.gaps for counts in ledger.gap_counts)
            candles = sum(counts.candles for counts in ledger.candles)
            doubted = sum(doubt.candles for doubt in ledger.doubts)
            seen.append((len(ledger.gaps), gaps, candles, doubted))
        writing.join()
    assert [each for each in seen if len(set(each)) > 1] == []
