"""`realtime candles`: any recording of trades to klines, equal to the exchange's own."""

import csv
import gzip
import json
import random
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from candles.bars import parse_bars
from candles.klines import kline_arrays, kline_rows
from marketstream.errors import StateError
from realtime_training.commands.candles.work import make_candles, remarks, write_candles
from realtime_training.testing import realtime

HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,"
    "taker_buy_volume,taker_buy_quote_volume,ignore"
)
START_MS = 1_723_161_600_000
ROWS = [
    (1, "100.50", "0.1", START_MS, True),
    (2, "100.75", "0.25", START_MS + 500, False),
    (3, "100.25", "2", START_MS + 2_000, True),
    (4, "100.25", "1", START_MS + 3_000, True),
]
CANDLES = [
    "1723161600000,100.5,100.75,100.5,100.75,0.35,1723161600999,35.2375,2,0.25,25.1875,0",
    "1723161601000,100.75,100.75,100.75,100.75,0,1723161601999,0,0,0,0,0",
    "1723161602000,100.25,100.25,100.25,100.25,2,1723161602999,200.5,1,0,0,0",
    "1723161603000,100.25,100.25,100.25,100.25,1,1723161603999,100.25,1,0,0,0",
]


@pytest.fixture
def trades(tmp_path: Path) -> Path:
    path = tmp_path / "trades.csv"
    lines = [
        f"{number},{price},{quantity},0,{time},{maker},True\n"
        for number, price, quantity, time, maker in ROWS
    ]
    path.write_text("".join([*lines, "5,,1,0,1,True,True\n", lines[1]]))
    return path


def test_candles_go_to_stdout_and_what_was_left_out_to_stderr(trades: Path) -> None:
    done = realtime("candles", trades, "--timeframe", "1s")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [HEADER, *CANDLES]
    for part in (
        "4 trades in 4 candles",
        "unusable: 1 x no usable time",
        "duplicates: 1 lines",
        "incomplete: 2, those of 2024-08-09T00:00:00+00:00, 2024-08-09T00:00:03+00:00",
    ):
        assert part in done.stderr


def test_json_is_one_object_of_counts(trades: Path, tmp_path: Path) -> None:
    output = tmp_path / "candles.csv"
    done = realtime("candles", trades, "--timeframe", "1s", "--no-fill", "-o", output, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "symbol": None, "trades": 4, "fills": 4, "candles": 3, "empty": 0, "incomplete": 2,
        "incomplete_open_times_ms": [START_MS, START_MS + 3_000], "gaps_seen_by_id": True,
        "numberings": 1, "duplicates": 1, "side_unknown": 0, "unusable": {"no usable time": 1},
        "ignored": {},
    }  # fmt: skip
    assert output.read_text().splitlines() == [HEADER, CANDLES[0], *CANDLES[2:]]


def test_bars_instead_of_a_timeframe(trades: Path) -> None:
    done = realtime("candles", trades, "--bars", "tick:2")
    assert done.returncode == 0, done.stderr
    assert [line.split(",")[8] for line in done.stdout.splitlines()[1:]] == ["2", "2"]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ([], 2, "give either --timeframe, like 1m, or --bars, like tick:1000"),
        (["--timeframe", "1m", "--bars", "tick:1"], 2, "give either"),
        (["--timeframe", "7m"], 2, "is not a timeframe"),
        (["--bars", "tick:0"], 2, "write tick:1000"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    trades: Path, options: list[str], code: int, message: str
) -> None:
    done = realtime("candles", trades, *options)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr


def test_a_file_without_trades_is_refused(tmp_path: Path) -> None:
    done = realtime("candles", tmp_path / "missing.csv", "--timeframe", "1m")
    assert (done.returncode, done.stdout) == (3, "")
    assert "missing.csv: no such file" in done.stderr


@pytest.mark.parametrize("name", ["candles.csv.gz", "candles.parquet", "candles.feather"])
def test_the_name_of_the_output_says_its_form(trades: Path, tmp_path: Path, name: str) -> None:
    candles = make_candles([trades], "1s").candles
    output = tmp_path / name
    write_candles(candles, output)
    if name.endswith(".gz"):
        assert gzip.decompress(output.read_bytes()).decode().splitlines() == [HEADER, *CANDLES]
        return
    if name.endswith(".parquet"):
        table = parquet.read_table(output)
    else:
        with pa.memory_map(str(output)) as source:
            table = ipc.open_file(source).read_all()
    assert ",".join(table.column_names) == HEADER
    assert table.to_pylist()[0]["quote_volume"] == 35.2375
    assert table.num_rows == 4


def test_an_output_that_cannot_be_written_is_named(trades: Path, tmp_path: Path) -> None:
    candles = make_candles([trades], "1s").candles
    with pytest.raises(StateError, match=r"nowhere/candles\.csv: cannot be written"):
        write_candles(candles, tmp_path / "nowhere" / "candles.csv")


def test_many_incomplete_candles_are_named_by_the_first_and_last(tmp_path: Path) -> None:
    path = tmp_path / "gaps.csv"
    lines = [f"{number * 2},1,1,0,{START_MS + number * 60_000},True,True\n" for number in range(30)]
    path.write_text("".join(lines))
    result = make_candles([path], "1m")
    incomplete = next(remark for remark in remarks(result) if remark.startswith("incomplete"))
    assert incomplete.startswith("incomplete: 30, those of 2024-08-09T00:00:00+00:00, ")
    assert ", …, " in incomplete
    assert incomplete.count("T00:") == 10


@pytest.mark.data
def test_recorded_frames_make_the_candles_of_the_exchange(market_data: Path) -> None:
    files = sorted((market_data / "trades").glob("binance-spot-BTCUSDT-2024080?.frames.gz"))
    candles = make_candles(files, "1m", symbol="BTC/USDT").candles
    name = "binance-spot-BTCUSDT-1m-20240726-20240825.feather"
    with pa.memory_map(str(market_data / "candles" / name)) as source:
        official = ipc.open_file(source).read_all()
    first_ms = 1_723_161_240_000  # 23:54
    dates = official["date"].cast(pa.timestamp("ms", tz="UTC")).cast(pa.int64()).to_pylist()
    at = dates.index(first_ms + 60_000)
    expected = [
        tuple(Decimal(str(row[field])) for field in ("open", "high", "low", "close", "volume"))
        for row in official.slice(at, 10).to_pylist()
    ]
    rows = [tuple(map(Decimal, row[1:6])) for row in kline_rows(candles)]
    assert rows[1:11] == expected
    assert candles.complete.tolist() == [False, *[True] * 10, False]
    assert candles.open_time_ms.tolist() == [first_ms + 60_000 * minute for minute in range(12)]


@pytest.mark.data
def test_dirty_days_make_the_same_candles_whatever_the_order_of_the_lines(
    market_data: Path, tmp_path: Path
) -> None:
    day = market_data / "trades" / "bitflyer-BTC_JPY-20180121.executions.csv.gz"
    header, *lines = gzip.decompress(day.read_bytes()).splitlines(keepends=True)
    whole = make_candles([day], "1m").candles
    expected, complete = list(kline_rows(whole)), whole.complete.tolist()
    random.Random(1).shuffle(lines)
    parts = [tmp_path / name for name in ("a.csv", "b.csv", "c.csv")]
    parts[0].write_bytes(b"".join(lines[:50_001]))
    parts[1].write_bytes(header + b"".join(lines[50_001:90_000]))
    parts[2].write_bytes(b"".join(lines[90_000:]))
    result = make_candles(parts, "1m")
    assert list(kline_rows(result.candles)) == expected
    assert result.trades.unusable == {"no usable time": 457}
    assert result.trades.duplicates == 96
    # Rows whose time was lost, in nearly every fifth minute: the trades next to them by id tell
    # which minutes, in any order of the lines.
    assert result.candles.complete.tolist() == complete
    assert len(complete) - sum(complete) == 2 + 270


def test_candles_are_not_complete_where_rows_of_theirs_were_thrown_away(tmp_path: Path) -> None:
    path = tmp_path / "trades.csv"
    lines = [f"{START_MS + second * 1_000},100,1,buy\n" for second in range(10)]
    lines[3] = f"{START_MS + 3_000},what,1,buy\n"
    lines[7] = ",100,1,buy\n"
    path.write_text("time,price,quantity,side\n" + "".join(lines))
    expected = [second for second in range(10) if second not in (0, 3, 6, 7, 8, 9)]
    for fill in (True, False):
        candles = make_candles([path], "1s", fill=fill).candles
        seconds = (candles.open_time_ms - START_MS) // 1_000
        assert seconds[candles.complete].tolist() == expected
    twos = make_candles([path], "2s").candles
    assert twos.complete.tolist() == [False, False, True, False, False]
    bars = make_candles([path], parse_bars("tick:2")).candles
    assert bars.complete.tolist() == [True, False, False, False]


def test_candles_where_two_numberings_meet_or_a_row_is_refused_are_not_complete(
    tmp_path: Path,
) -> None:
    path = tmp_path / "again.csv"
    rows = [
        [number % 30 + 1, "100", f"{number + 1}", START_MS + 200 * number] for number in range(60)
    ]
    rows[12][1] = "100000"
    path.write_text(
        "id,price,quantity,time\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)
    )
    result = make_candles([path], "1s")
    # In the third second is the refused row; the first numbering ends with the sixth.
    incomplete = [second for second, is_whole in enumerate(result.candles.complete) if not is_whole]
    assert incomplete == [0, 2, 5, 6, 11]
    assert result.candles.trade_count.tolist() == [5, 5, 4, *[5] * 9]
    said = list(remarks(result))
    assert f"refused: {path}: line 14: trade 13: its price is far from those beside it" in said
    assert "ids begin again: 2 numberings; what traded between them is unknown" in said


def test_a_market_of_a_file_is_chosen_by_the_name_that_it_lists(tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    rows = [
        f"{symbol},{number},buy,{price},1,{START_MS + number}\n"
        for number in range(4)
        for symbol, price in (("BTC-USDT-SWAP", 100), ("币安人生USDT", 3))
    ]
    path.write_text("instrument_name,trade_id,side,price,size,created_time\n" + "".join(rows))
    done = realtime("candles", path, "--timeframe", "1s")
    assert (done.returncode, done.stdout) == (3, "")
    assert "of BTC-USDT-SWAP, 币安人生USDT: choose one with --symbol" in done.stderr
    for symbol, price in (("BTC-USDT-SWAP", "100"), ("币安人生USDT", "3"), ("币安人生/usdt", "3")):
        done = realtime("candles", path, "--timeframe", "1s", "--symbol", symbol)
        assert done.returncode == 0, done.stderr
        assert [row.split(",")[1] for row in done.stdout.splitlines()[1:]] == [price]
        assert "ignored: 4 x another symbol" in done.stderr


@pytest.mark.data
def test_the_exchange_s_ticker_stays_within_the_candles_of_a_dirty_day(market_data: Path) -> None:
    folder = market_data / "trades"
    candles = make_candles([folder / "bitflyer-BTC_JPY-20180121.executions.csv.gz"], "1m").candles
    first_ms, lows, highs = int(candles.open_time_ms[0]), candles.low, candles.high
    inside = []
    with gzip.open(folder / "bitflyer-BTC_JPY-20180121.ticker.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            if row["timestamp"] and row["health"] != "STOP":
                time_ms = datetime.fromisoformat(row["timestamp"]).timestamp() * 1_000
                minute = int(time_ms - first_ms) // 60_000
                minutes = slice(max(minute - 1, 0), minute + 1)  # the last price may be older
                inside.append(lows[minutes].min() <= float(row["ltp"]) <= highs[minutes].max())
    assert len(inside) > 1_300
    assert sum(inside) / len(inside) > 0.99


@pytest.mark.data
def test_aggregates_make_the_candles_that_another_project_made(market_data: Path) -> None:
    trades = market_data / "trades" / "binance-spot-XRPETH-201910.aggtrades.json.gz"
    candles = make_candles([trades], "1m", fill=False).candles
    with pa.memory_map(str(market_data / "candles" / "derived-XRPETH-1m-201910.feather")) as source:
        derived = ipc.open_file(source).read_all()
    dates = derived["date"].cast(pa.timestamp("ms", tz="UTC")).cast(pa.int64()).to_pylist()
    assert candles.open_time_ms.tolist() == dates
    arrays = kline_arrays(candles)
    for name in ("open", "high", "low", "close", "volume"):
        assert arrays[name].tolist() == pytest.approx(derived[name].to_pylist(), rel=1e-12)
    assert candles.complete.sum() == len(candles) - 2
