"""Candles as the twelve columns of a kline."""

import numpy as np

from candles.columnar import fold
from candles.klines import KLINE_COLUMNS, kline_arrays, kline_rows
from marketstream.readers import TradeTable

TRADES = TradeTable(
    time_us=np.array([1_700_000_000_000_000, 1_700_000_000_500_000, 1_700_000_002_000_000]),
    price=np.array([150, 10_000_000, 5]),
    quantity=np.array([12, 3, 100_000]),
    taker=np.array([1, -1, 1], np.int8),
    count=np.array([1, 2, 1]),
    ids=None,
    price_decimals=6,
    quantity_decimals=3,
)


def test_text_is_exact_and_plain() -> None:
    candles = fold(TRADES, "1s", consecutive_ids=False)
    assert list(kline_rows(candles)) == [
        ("1700000000000", "0.00015", "10", "0.00015", "10", "0.015", "1700000000999",
         "0.0300018", "3", "0.012", "0.0000018", "0"),
        ("1700000001000", "10", "10", "10", "10", "0", "1700000001999", "0", "0", "0", "0", "0"),
        ("1700000002000", "0.000005", "0.000005", "0.000005", "0.000005", "100", "1700000002999",
         "0.0005", "1", "100", "0.0005", "0"),
    ]  # fmt: skip


def test_arrays_hold_the_floats_of_the_text() -> None:
    candles = fold(TRADES, "1s", consecutive_ids=False)
    arrays = kline_arrays(candles)
    assert tuple(arrays) == KLINE_COLUMNS
    rows = zip(*(column.tolist() for column in arrays.values()), strict=True)
    assert list(rows) == [tuple(float(text) for text in row) for row in kline_rows(candles)]


def test_whole_numbers_have_no_point() -> None:
    whole = TradeTable(
        *(np.array([value]) for value in (1_700_000_000_000_000, 100, 20)),
        taker=np.array([1], np.int8), count=np.array([1]), ids=None,
        price_decimals=0, quantity_decimals=0,
    )  # fmt: skip
    row = next(kline_rows(fold(whole, "1s", consecutive_ids=False)))
    assert row[1:6] == ("100", "100", "100", "100", "20")
    assert row[7] == "2000"
