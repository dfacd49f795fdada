"""Files of candles as people keep them: one result whatever the form, none untrue."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from marketstream.columns import CANDLE_COLUMNS
from marketstream.errors import InputError
from realtime_training.commands.leakcheck.sample import read_sample
from realtime_training.datasets import load_files
from realtime_training.datasets.klines import Klines, read_klines
from realtime_training.datasets.longer import in_longer
from realtime_training.settings import load_all

START_S = 1_735_646_400  # the last minutes of 2024 follow 12 hours later
MINUTES = 10
HEADER = "timestamp,open,high,low,close,volume\n"
KLINES_HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
    "taker_buy_quote_volume,ignore\n"
)


def plain(minute: int, unit: int = 1_000) -> str:
    opened = (START_S + minute * 60) * unit
    return f"{opened},{100 + minute},{102 + minute},{99 + minute},{101 + minute},2.5\n"


def kline(minute: int, unit: int) -> str:
    closed = (START_S + minute * 60 + 60) * unit - 1
    return plain(minute, unit).strip() + f",{closed},250.5,9,1.5,150.3,0\n"


def read(path: Path, *contents: str | bytes, symbol: str | None = None) -> Klines:
    files = []
    for number, content in enumerate(contents):
        files.append(path / f"file{number}")
        files[-1].write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_klines(files, symbol=symbol)


def same(one: Klines, other: Klines) -> bool:
    left, right = one.candles, other.candles
    return left.timeframe == right.timeframe and all(
        np.array_equal(a, b, equal_nan=True)
        for a, b in [
            (left.open_time_ms, right.open_time_ms),
            (left.complete, right.complete),
            *((left.floats(name), right.floats(name)) for name in CANDLE_COLUMNS),
        ]
    )


@pytest.mark.parametrize("later", [1, 1_000, 1_000_000, 1_000_000_000])
def test_archives_of_two_units_of_time_read_the_same_together_and_apart(
    tmp_path: Path, later: int
) -> None:
    before = "".join(kline(minute, 1_000) for minute in range(5))
    after = "".join(kline(minute, later) for minute in range(5, MINUTES))
    expected = read(tmp_path, before + "".join(kline(n, 1_000) for n in range(5, MINUTES)))
    assert expected.candles.timeframe == "1m"
    assert expected.candles.trade_count.tolist() == [9] * MINUTES
    for contents in ([before + after], [before, after], [after, before]):
        assert same(read(tmp_path, *contents), expected)


@pytest.mark.parametrize("first_has_header", [True, False])
def test_files_with_headers_put_together_are_one_table(
    tmp_path: Path, *, first_has_header: bool
) -> None:
    first, second = (
        "".join(kline(minute, 1_000) for minute in minutes)
        for minutes in (range(5), range(5, MINUTES))
    )
    start = KLINES_HEADER if first_has_header else ""
    found = read(tmp_path, start + first + KLINES_HEADER + second)
    assert same(found, read(tmp_path, first + second))
    assert found.remarks() == ("left out: 1 x header in the middle",)


@pytest.mark.parametrize("coin", ["BTC", "ETH", "1INCH"])
def test_a_site_s_line_two_kinds_of_dates_and_volumes_by_coin_are_read(
    tmp_path: Path, coin: str
) -> None:
    header = f"unix,date,symbol,open,high,low,close,Volume {coin},Volume USDT,tradecount\n"
    rows = [
        f"{(START_S + hour * 3_600) * unit},{date},{coin}/USDT,100,102,99,101,2.5,250,{count}\n"
        for hour, unit, date, count in [
            (2, 1_000, "2024-12-31 14:00:00", "7"),
            (1, 1_000, "2024-12-31 13:00:00", "7"),
            (0, 1, "2024-12-31 12-PM", "NULL"),
        ]
    ]
    found = read(tmp_path, "https://www.example.com\n" + header + "".join(rows))
    assert found.candles.timeframe == "1h"
    assert found.table.symbol == f"{coin}/USDT"
    assert found.candles.volume.tolist() == [2.5] * 3
    np.testing.assert_array_equal(found.candles.trade_count, [np.nan, 7, 7])
    assert found.candles.complete.all()


def test_prices_with_separators_dates_with_slashes_and_short_volumes_are_read(
    tmp_path: Path,
) -> None:
    found = read(
        tmp_path,
        '\ufeff"Date","Price","Open","High","Low","Vol.","Change %"\n'
        '"09/26/2024","63,000.0","63,063.0","63,630.0","62,370.0","40.05K","-3.10%"\n'
        '"09/25/2024","999.5","1,000.0","1,000.5","990.0","1.5M","-2.10%"\n',
    )
    assert found.candles.timeframe == "1d"
    assert found.candles.close.tolist() == [999.5, 63000]
    assert found.candles.open.tolist() == [1000, 63063]
    assert found.candles.volume.tolist() == [1_500_000, 40_050]


def test_decimal_commas_are_read(tmp_path: Path) -> None:
    rows = "".join(plain(n).replace(",", ";").replace("2.5", "2,5") for n in range(3))
    found = read(tmp_path, HEADER.replace(",", ";") + rows)
    assert found.candles.volume.tolist() == [2.5] * 3


@pytest.mark.parametrize(
    "rows",
    [
        "".join(plain(n) for n in range(MINUTES)),  # ccxt's, without a header
        "".join(plain(n, 1).strip() + ",9\n" for n in range(MINUTES)),  # Kraken's, with counts
        "[" + ",".join(f"[{plain(n).strip()}]" for n in range(MINUTES)) + "]",
        "," + HEADER + "".join(f"{n},{plain(n)}" for n in range(MINUTES)),  # an index before
        "https://example.com/data\n\n" + HEADER + "".join(plain(n) for n in range(MINUTES)),
        HEADER + "".join(plain(n) for n in range(MINUTES)) + "\n\n",
        (HEADER + "".join(plain(n) for n in range(MINUTES))).encode("utf-16"),
    ],
)
def test_the_same_candles_come_out_of_every_table(tmp_path: Path, rows: str | bytes) -> None:
    found = read(tmp_path, rows)
    expected = read(tmp_path, HEADER + "".join(plain(n) for n in range(MINUTES)))
    assert found.candles.open_time_ms.tolist() == expected.candles.open_time_ms.tolist()
    for name in ("open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(found.candles.floats(name), expected.candles.floats(name))
    assert found.candles.complete.all()


def test_an_archive_of_several_months_is_read_whole_and_foreign_files_are_named(
    tmp_path: Path,
) -> None:
    archive = tmp_path / "two.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("__MACOSX/._a.csv", b"\0\5\x16\7Mac OS X")
        file.writestr("a.csv", HEADER + plain(0) + plain(1))
        file.writestr("b.csv", HEADER + plain(2) + plain(3))
    found = read_klines([archive])
    assert len(found.candles) == 4
    (remark,) = found.remarks()
    assert remark == "left out: 1 x __MACOSX/._a.csv in two.zip, which holds no data"


@pytest.mark.parametrize(
    ("damaged", "in_doubt"),
    [
        (f"{(START_S + 240) * 1_000},NaN,NaN,NaN,NaN,NaN\n", []),  # its candle is not there
        (f"{(START_S + 120) * 1_000},10", [2]),  # cut off: another writing of a candle
        (",100,102,99,101,2.5\n", [3, 5]),
        ("100,102,99\n", [3, 5]),
        ("what is this?\n", [3, 5]),
    ],
)
def test_candles_around_rows_that_were_thrown_away_are_not_complete(
    tmp_path: Path, damaged: str, in_doubt: list[int]
) -> None:
    rows = [plain(minute) for minute in range(MINUTES)]
    rows[4] = damaged if damaged.endswith("\n") else damaged + "\n"
    found = read(tmp_path, HEADER + "".join(rows))
    minutes = (found.candles.open_time_ms // 1_000 - START_S) // 60
    assert minutes[~found.candles.complete].tolist() == in_doubt
    assert found.table.unusable.total() == 1
    assert in_longer(found.candles, "5m").complete.tolist() == [False, 5 not in in_doubt]


def test_two_writings_of_a_candle_that_differ_make_it_doubtful(tmp_path: Path) -> None:
    rows = "".join(plain(minute) for minute in range(MINUTES))
    again = plain(4).replace("2.5", "7")
    found = read(tmp_path, HEADER + rows + plain(2) + again)
    assert found.candles.volume[4] == 7
    assert np.flatnonzero(~found.candles.complete).tolist() == [4]
    assert found.remarks() == ("left out: 2 x candle that repeats",)


def test_candles_of_two_markets_are_never_made_one(tmp_path: Path) -> None:
    one = "".join(plain(minute) for minute in range(MINUTES))
    cheaper = [row.split(",") for row in one.splitlines()]
    other = "".join(
        ",".join([time, *(str(float(price) / 10) for price in prices), volume]) + "\n"
        for time, *prices, volume in cheaper
    )
    with pytest.raises(
        InputError, match=r"file0 and .*file1: candles of the same times with other"
    ):
        read(tmp_path, HEADER + one, HEADER + other)
    columns = [
        "".join(f"{symbol},{row}\n" for row in rows.splitlines())
        for symbol, rows in (("币安人生USDT", one), ("BTC/USDT:USDT", other))
    ]
    both = "symbol," + HEADER + "".join(columns)
    with pytest.raises(InputError, match=r"of BTC/USDT:USDT, 币安人生USDT: choose one"):
        read(tmp_path, both)
    assert read(tmp_path, both, symbol="币安人生/USDT").candles.open[0] == 100
    assert read(tmp_path, both, symbol="BTC/USDT:USDT").candles.open[0] == 10


def test_archives_of_two_markets_are_told_by_their_names(tmp_path: Path) -> None:
    files = [tmp_path / "BTCUSDT-1h-2024.csv", tmp_path / "ETHUSDT-1h-2025.csv"]
    for at, file in enumerate(files):
        rows = "".join(plain(minute + 400 * at) for minute in range(400))
        file.write_text(HEADER + rows)
    with pytest.raises(InputError, match=r"of BTCUSDT, .*of ETHUSDT\): choose one with --symbol"):
        load_files(files, load_all(), tmp_path)
    with pytest.raises(InputError, match=r"of BTCUSDT, .*of ETHUSDT\): choose one with --symbol"):
        read_sample(files, load_all())
    chosen = load_files(files, load_all(), tmp_path, symbol="ETH/USDT")
    assert (chosen.symbol, len(chosen.table)) == ("ETH/USDT", 400)


def test_names_that_say_nothing_are_not_taken_for_a_form_without_a_header(tmp_path: Path) -> None:
    rows = "".join(plain(minute) for minute in range(MINUTES))
    with pytest.raises(InputError, match="no column holds the candle's time or its open"):
        read(tmp_path, "t,l,h,o,c,v\n" + rows)


def test_times_that_a_spreadsheet_rounded_are_refused(tmp_path: Path) -> None:
    row = "1.62328E+12,100,102,99,101,2.5\n"
    with pytest.raises(InputError, match="3 x time rounded by a spreadsheet"):
        read(tmp_path, HEADER + row * 3)
