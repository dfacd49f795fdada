import gzip
import json
import re
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange_simulator.market.recording import RecordedMarket
from exchange_simulator.market.tape import QuoteColumns, TradeColumns
from exchange_simulator.serving.decimals import decimal_text, exact_text
from exchange_simulator.serving.klines import Kline
from exchange_simulator.venues.binance.frames import MarketFrames, combined


def column(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


TRADE = TradeColumns(
    column(12_345),
    column(1_672_515_782_136_789),
    column(1),
    column(10_000),
    column(1) > 0,
    column(0),
)


@pytest.mark.data
def test_real_frames_come_out_byte_for_byte(market_data: Path) -> None:
    path = market_data / "trades/binance-spot-BTCUSDT-20240808.frames.gz"
    with gzip.open(path) as lines:
        recorded = [line.partition(b" ")[2].strip() for line in lines]
    tape = RecordedMarket([path], "BTC/USDT")
    frames = MarketFrames("BTCUSDT", tape.price_decimals, tape.quantity_decimals)
    trades = [frame for frame in recorded if frame.startswith(b'{"stream":"btcusdt@trade"')]
    event_time = re.compile(rb'"E":\d+')  # a millisecond or so after the trade's own time
    made = [combined("btcusdt@trade", frame) for frame in frames.trades(tape.trades(0, 1 << 62))]
    assert [event_time.sub(b"", frame) for frame in made] == [
        event_time.sub(b"", frame) for frame in trades
    ]
    quotes = [f for f in recorded if f.startswith(b'{"stream":"btcusdt@bookTicker"')]
    made = [combined("btcusdt@bookTicker", f) for f in frames.quotes(tape.quotes(0, 1 << 62))]
    assert made == [frame for frame in quotes if frame.endswith(b"}}")]


@pytest.mark.data
def test_real_kline_frame_comes_out_byte_for_byte(market_data: Path) -> None:
    path = market_data / "wire/recordings/binance-kline-frames-20220522.txt.gz"
    with gzip.open(path, "rt") as lines:
        frame = next(line.rsplit(" | ", 1)[1].strip() for line in lines if '"x":true' in line)
    k = json.loads(frame)["k"]
    units = {name: int(Decimal(k[name]) * 100) for name in "ohlc"}
    lots = {name: int(Decimal(k[name]) * 10**5) for name in "vV"}
    products = {name: int(Decimal(k[name]) * 10**7) for name in "qQ"}
    kline = Kline(
        k["t"] * 1_000,
        (k["T"] + 1) * 1_000,
        *(units[name] for name in "ohlc"),
        lots["v"],
        products["q"],
        k["n"],
        lots["V"],
        products["Q"],
        k["f"],
        k["L"],
    )
    event_us = json.loads(frame)["E"] * 1_000
    made = MarketFrames("BTCUSDT", 2, 5).kline(kline, "1m", event_us, closed=True)
    assert made.decode() == frame


def test_aggregate_trade_is_one_trade_with_first_and_last_id() -> None:
    assert MarketFrames("BNBBTC", 3, 2).aggregate_trades(TRADE) == [
        b'{"e":"aggTrade","E":1672515782136,"s":"BNBBTC","a":12345,"p":"0.00100000",'
        b'"q":"100.00000000","f":12345,"l":12345,"T":1672515782136,"m":true,"M":true}'
    ]


def test_microseconds_change_times_only() -> None:
    frames = MarketFrames("BNBBTC", 3, 2)
    assert frames.trades(TRADE, microseconds=True) == [
        b'{"e":"trade","E":1672515782136789,"s":"BNBBTC","t":12345,"p":"0.00100000",'
        b'"q":"100.00000000","T":1672515782136789,"m":true,"M":true}'
    ]


def test_market_without_a_quote_yet_shows_zeros() -> None:
    none = QuoteColumns(*(column() for _ in QuoteColumns._fields))
    assert MarketFrames("BTCUSDT", 2, 5).rest_quote(none) == (
        b'{"symbol":"BTCUSDT","bidPrice":"0.00000000","bidQty":"0.00000000",'
        b'"askPrice":"0.00000000","askQty":"0.00000000"}'
    )


@given(units=st.integers(0, 10**18), decimals=st.integers(0, 8))
def test_decimal_text_is_exact_with_eight_decimals(units: int, decimals: int) -> None:
    text = decimal_text(units, decimals)
    assert Decimal(text) == Decimal(units).scaleb(-decimals)
    assert re.fullmatch(r"(0|[1-9]\d*)\.\d{8}", text)


def test_product_of_sixteen_decimals_is_cut_to_eight() -> None:
    assert exact_text(123_456_789_012_345_678, 16) == "12.34567890"
    assert exact_text(5, 2) == "0.05000000"
