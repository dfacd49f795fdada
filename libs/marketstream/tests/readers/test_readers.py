"""Trades out of every form of file, with what is wrong in them counted."""

import gzip
import json
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from marketstream.errors import InputError
from marketstream.readers import TradeTable, read_trades

MS = 1_723_161_255_342
TRADES_CSV = b"""3735683259,61837.63000000,0.02000000,1236.75,%d,True,True
3735683260,61837.64000000,0.04800000,2968.21,%d,False,True
3735683261,61837.60000000,0.00100000,61.84,%d,True,True
"""
AGGREGATES_CSV = b"""2000,61837.63000000,0.02000000,3735683259,3735683261,%d,True,True
2001,61837.64000000,0.04800000,3735683262,3735683262,%d,False,True
"""
FRAME = (
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","t":%d,"p":"%s","q":"0.02",'
    b'"T":%d,"m":true,"X":"%s"}}'
)
TABLE = b"time,price,amount,side\n"


def rows(table: TradeTable) -> list[tuple[int, ...]]:
    """Time, price, quantity, taker, count and id of each row."""
    ids = [-1] * len(table) if table.ids is None else table.ids.tolist()
    columns = (table.time_us, table.price, table.quantity, table.taker, table.count)
    return list(zip(*(column.tolist() for column in columns), ids, strict=True))


type Read = Callable[..., TradeTable]
EXPECTED = [
    (MS * 1_000, 6183763, 20, -1, 1, 3735683259),
    (MS * 1_000 + 1_000, 6183764, 48, 1, 1, 3735683260),
    (MS * 1_000 + 1_000, 6183760, 1, -1, 1, 3735683261),
]


@pytest.mark.parametrize("unit", [1, 1_000])
@pytest.mark.parametrize(
    "header", [b"", b"id,price,qty,quote_qty,time,is_buyer_maker,is_best_match\n", b"\xef\xbb\xbf"]
)
def test_archives_of_trades_read_alike_with_and_without_header_in_ms_and_us(
    read: Read, unit: int, header: bytes
) -> None:
    table = read(header + TRADES_CSV % (MS * unit, (MS + 1) * unit, (MS + 1) * unit))
    assert rows(table) == EXPECTED
    assert (table.price_decimals, table.quantity_decimals) == (2, 3)
    assert table.consecutive


def test_an_archive_of_aggregates_says_how_many_fills_each_is(read: Read) -> None:
    table = read(AGGREGATES_CSV % (MS, MS + 1))
    assert [(row[4], row[5]) for row in rows(table)] == [(3, 3735683261), (1, 3735683262)]
    assert table.consecutive


def test_gzip_and_zip_are_told_by_content(read: Read, tmp_path: Path) -> None:
    content = TRADES_CSV % (MS, MS + 1, MS + 1)
    archive = tmp_path / "archive"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("BTCUSDT-trades.csv", content)
    assert rows(read(gzip.compress(content))) == EXPECTED
    assert rows(read_trades([archive])) == EXPECTED


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_table_split_anywhere_reads_the_same_in_any_order_of_its_files(
    read: Read, cut: int
) -> None:
    lines = [b"id,exec_date,side,price,size\n"] + [
        b'"%d","2018-01-21T00:00:%02d.5+09:00","BUY","1406502.0","0.25"\n' % (number, number)
        for number in range(10, 13)
    ]
    whole = read(b"".join(lines))
    first, second = b"".join(lines[:cut]), b"".join(lines[cut:])
    assert len(whole) == 3
    assert rows(read(first, second)) == rows(read(second, first)) == rows(whole)


def test_lines_that_cannot_be_used_are_counted_by_reason(read: Read) -> None:
    table = read(
        b"time,price,quantity,side,id\n"
        b"1738124786.018,100.5,1,buy,1\n"
        b",100.5,1,buy,2\n"
        b"1738124786.018,,1,buy,3\n"
        b"1738124786.018,100.5,x,buy,4\n"
        b"1738124786.018,0,1,buy,5\n"
        b"1738124786.018,1,0.0,buy,6\n"
        b"1738124786.018,1,1,buy,\n"
        b"1738124786.018,100.5\n"
        b'1738124786.018,"100.5,1,buy,9\n'
        b"\n"
        b"1738124786.118,100.6,2,,10\n"
    )
    assert [(row[3], row[5]) for row in rows(table)] == [(1, 1), (1, 9), (0, 10)]
    assert table.unusable == {
        "no usable time": 1,
        "no usable price": 1,
        "no usable quantity": 1,
        "price is zero": 1,
        "quantity is zero": 1,
        "no usable id": 1,
        "wrong number of columns": 1,
    }


def test_repeated_ids_count_once_whatever_their_order(read: Read) -> None:
    lines = [b"2,1738124787,100,1,buy\n", b"1,1738124786,100,1,buy\n", b"2,1738124787,100,1,\n"]
    header = b"id,time,price,quantity,side\n"
    table = read(header + b"".join(lines))
    assert table.duplicates == 1
    assert rows(table) == rows(read(header + b"".join(reversed(lines))))
    assert table.taker.tolist() == [1, 1]


def test_without_ids_every_line_is_a_trade_and_newest_first_is_turned_round(read: Read) -> None:
    lines = [b"%d,%d,1,buy\n" % (1738124786 + second // 2, 100 + second) for second in range(6)]
    upwards = read(TABLE + b"".join(lines + lines[-1:]))
    assert upwards.price.tolist() == [100, 101, 102, 103, 104, 105, 105]
    downwards = read(TABLE + b"".join(reversed(lines)))
    assert downwards.price.tolist() == [100, 101, 102, 103, 104, 105]
    assert not upwards.consecutive


def test_ids_in_letters_are_left_aside(read: Read) -> None:
    table = read(b"timestamp,trdMatchID,id,price,size,side\n1738124786,a-b,c-d,1,1,Sell\n")
    assert table.ids is None
    assert table.taker.tolist() == [-1]


def test_ids_are_consecutive_where_half_of_them_follow_on(read: Read) -> None:
    def content(ids: Iterable[int]) -> bytes:
        lines = [b"%d,1738124786,1,1\n" % number for number in ids]
        return b"id,time,price,quantity\n" + b"".join(lines)

    assert read(content(range(50))).consecutive
    assert read(content(number for number in range(90) if number % 3)).consecutive
    assert not read(content(range(0, 100, 2))).consecutive


def test_kraken_s_dump_has_seconds_price_and_volume(read: Read) -> None:
    table = read(b"1672531436,90.540000,1.10448420\n1672531471,90.450000,1.00000000\n")
    assert rows(table) == [
        (1_672_531_436_000_000, 9054, 11044842, 0, 1, -1),
        (1_672_531_471_000_000, 9045, 10000000, 0, 1, -1),
    ]


def test_frames_are_read_raw_and_combined_whatever_stands_before_them(read: Read) -> None:
    combined = FRAME % (7, b"100.5", MS, b"MARKET")
    raw = json.dumps(json.loads(FRAME % (8, b"100.6", MS, b"MARKET"))["data"]).encode()
    table = read(
        b"1723161253937085768 " + combined + b"\n"
        b"2022-05-22 01:45:02 | " + raw + b"\n"
        b'{"result":null,"id":1}\n'
        b'{"u":1,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}\n'
        b'{"stream":"btcusdt@depth@100ms","data":{}}\n'
        b'{"type":"ticker","price":"1","time":"2025-01-01T00:00:00Z","size":"1"}\n'
        + FRAME % (9, b"0", MS, b"MARKET") + b"\n"
        + FRAME % (10, b"1", MS, b"NA") + b"\n"
        + combined[:50]
    )  # fmt: skip
    assert [row[5] for row in rows(table)] == [7, 8]
    assert table.symbol == "BTCUSDT"
    assert table.unusable == {"malformed frame": 1, "price is zero": 1}
    assert table.ignored == {
        "answer to a request": 1,
        "bookTicker frame": 1,
        "depth@100ms frame": 1,
        "ticker frame": 1,
        "no trade of the market (X=NA)": 1,
    }


def test_where_trades_and_aggregates_are_recorded_the_trades_count(read: Read) -> None:
    aggregate = (
        b'{"e":"aggTrade","E":1,"s":"BTCUSDT","a":1,"p":"1","q":"2","f":%d,"l":%d,'
        b'"T":%d,"m":true}\n'
    )
    frames = [FRAME % (number, b"1", MS, b"MARKET") + b"\n" for number in (7, 8)]
    both = read(b"".join(frames) + aggregate % (7, 8, MS))
    assert [row[4] for row in rows(both)] == [1, 1]
    assert both.ignored == {"aggTrade frame beside trade frames": 1}
    alone = read(aggregate % (7, 8, MS) + aggregate % (9, 9, MS))
    assert [row[4:] for row in rows(alone)] == [(2, 8), (1, 9)]


def test_a_ccxt_array_keeps_its_numbers_exactly(read: Read) -> None:
    info = '{"a":5,"p":"0.00141342","q":"23.00000000","f":7,"l":9,"T":1570752011620,"m":true}'
    table = read(
        f'[{{"info":{info},"timestamp":1570752011620,"symbol":"XRP/ETH","id":"5","type":null,'
        '"side":"sell","price":0.00141342,"amount":23.0}, 5]'.encode()
    )
    assert rows(table) == [(1_570_752_011_620_000, 141342, 23, -1, 3, 9)]
    assert table.symbol == "XRP/ETH"
    assert table.unusable == {"no object with fields": 1}


def test_parquet_and_feather_are_read(tmp_path: Path) -> None:
    table = pa.table(
        {
            "timestamp": pa.array([MS, MS + 1], pa.timestamp("ms", tz="UTC")),
            "trade_id": [1, 2],
            "price": [39432.48, 39439.440000000002],
            "quantity": [0.00031099999999999997, None],
            "buyer_maker": ["True", "False"],
        }
    )
    parquet.write_table(table, tmp_path / "one")
    feather.write_feather(table, str(tmp_path / "two"))
    for name in ("one", "two"):
        read = read_trades([tmp_path / name])
        assert rows(read) == [(MS * 1_000, 3943248, 311, -1, 1, 1)]
        assert read.unusable == {"no usable quantity": 1}


def test_a_symbol_is_chosen_among_several(read: Read) -> None:
    content = b"time,symbol,price,size\n1738124786,btcusdt,1,1\n1738124786,ETH-USDT,2,1\n"
    chosen = read(content, symbol="ETH/USDT")
    assert chosen.price.tolist() == [2]
    assert chosen.ignored == {"another symbol": 1}
    with pytest.raises(InputError, match="ETH-USDT, btcusdt: choose one"):
        read(content)
    with pytest.raises(InputError, match="no trades of SOL/USDT inside, but of ETH-USDT"):
        read(content, symbol="SOL/USDT")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no usable trade inside"),
        (b"time,price,quantity\n,,\n", "1 x no usable time"),
        (b"open_time,open,high,low,close\n1,1,1,1,1\n", "holds candles"),
        (b"timestamp,ltp,volume\n1,1,1\n", "no column holds the trade's price"),
        (b"timestamp,ltp,volume\n1738124786,1,1\n", "no column holds the trade's price"),
        (b"1738124786,100,102,99,101,2.5\n", "holds candles"),
        (b"[[1738124786,100,102,99,101,2.5]]", "holds candles"),
        (b"1738124786,1,1,1\n", "4 columns without a header"),
        (b'[{"id":1},', "no whole JSON array"),
        (b'[{"id":1}]', "no column holds the trade's time or its price or its quantity"),
        (b"PAR1 and no more", "cannot be read by pyarrow"),
        (b"ARROW1 and no more", "cannot be read by pyarrow"),
        (gzip.compress(TRADES_CSV % (MS, MS, MS), mtime=0)[:60], "unpack what is whole"),
        (b"PK\x03\x04 and no more", "cannot be read"),
    ],
)
def test_a_file_that_holds_no_trades_is_refused_by_name(
    read: Read, content: bytes, message: str
) -> None:
    with pytest.raises(InputError, match=rf"file0.*{message}"):
        read(content)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing\.csv: no such file"):
        read_trades([tmp_path / "missing.csv"])


def test_files_with_and_without_ids_do_not_mix(read: Read) -> None:
    with pytest.raises(InputError, match="some of the files have trade ids"):
        read(b"id,time,price,size\n1,1738124786,1,1\n", TABLE + b"1738124786,1,1,buy\n")


def test_how_far_the_reading_is_adds_up_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "trades.csv"
    path.write_bytes(TRADES_CSV % (MS, MS, MS))
    steps: list[int] = []
    read_trades([path], advanced=steps.append)
    assert sum(steps) == path.stat().st_size


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "trades", "fills", "consecutive"),
    [
        ("binance-spot-BTCUSDT-20210108.parquet", 2_001, 2_001, True),
        ("binance-spot-BTCUSDT-20240808.frames.gz", 9_757, 9_757, True),
        ("binance-usdm-BTCUSDT-20240808.frames.gz", 21_313, 21_313, True),
        ("binance-spot-BTCUSDT-20250129-lossy.csv", 1_580, 1_580, False),
        ("binance-spot-XRPETH-201910.aggtrades.json.gz", 12_477, 14_672, True),
        ("bitflyer-BTC_JPY-20180121.executions.csv.gz", 142_554, 142_554, False),
        ("bybit-spot-BTCUSDT-20250129.csv", 1_095, 1_095, False),
        ("kraken-BCHEUR-202301.csv", 148, 148, False),
    ],
)
def test_recorded_files_read_sensibly(
    market_data: Path, name: str, trades: int, fills: int, consecutive: bool
) -> None:
    table = read_trades([market_data / "trades" / name])
    assert (len(table), int(table.count.sum()), table.consecutive) == (trades, fills, consecutive)
