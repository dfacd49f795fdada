"""Never two markets for one: told by columns, by names of files, or by prices."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from marketstream.errors import InputError
from marketstream.readers import TradeTable, read_trades
from marketstream.readers.names import market_in_name

type Read = Callable[..., TradeTable]

S = 1_720_000_000


def listed(*symbols: str) -> bytes:
    lines = [
        f"{symbol},{number},{S + number},{100 * place + number},1\n"
        for number in range(3)
        for place, symbol in enumerate(symbols, 1)
    ]
    return ("symbol,id,time,price,quantity\n" + "".join(lines)).encode()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("币安人生USDT", "我踏马来了USDT"),
        ("BTC-USDT-SWAP", "BTC-USD-250328"),
        ("BTC/USDT:USDT", "BTC/USDT"),
        ("BTCUSDT_250328", "BTCUSDT"),
        ("ЁЖUSDT", "ÉUSDT"),
    ],
)
def test_symbols_of_any_shape_and_alphabet_are_told_apart_and_chosen_as_listed(
    read: Read, one: str, other: str
) -> None:
    content = listed(one, other)
    with pytest.raises(InputError, match="choose one with --symbol") as caught:
        read(content)
    assert one in str(caught.value)
    assert other in str(caught.value)
    assert read(content, symbol=one).price.tolist() == [100, 101, 102]
    assert read(content, symbol=other).price.tolist() == [200, 201, 202]


def test_a_perpetual_is_found_where_the_venue_leaves_out_what_settles_it(read: Read) -> None:
    table = read(listed("BTCUSDT", "ETHUSDT"), symbol="ETH/USDT:USDT")
    assert table.price.tolist() == [200, 201, 202]
    assert table.symbol == "ETH/USDT:USDT"
    assert table.ignored == {"another symbol": 3}


@pytest.mark.parametrize(
    ("name", "market"),
    [
        ("BTCUSDT-trades-2024-08-08.zip", "BTCUSDT"),
        ("binance-spot-ETHUSDT-1m-2024.csv.gz", "ETHUSDT"),
        ("BTC_JPY.csv", "BTCJPY"),
        ("btc-usdt.parquet", "BTCUSDT"),
        ("ETH.csv", "ETH"),
        ("Bitcoin Historical Data.csv", "BITCOIN"),
        ("trades.csv", None),
        ("2024-08.csv", None),
        ("data_usd.csv", None),
        ("PEPE_USD.csv", "PEPEUSD"),
        ("SPOT_USDT.csv", None),
    ],
)
def test_a_file_s_name_may_tell_its_market(name: str, market: str | None) -> None:
    assert market_in_name(name) == market


def write(path: Path, price: int, first: int = 0) -> Path:
    lines = [f"{S + number},{price},1\n" for number in range(first, first + 3)]
    path.write_text("time,price,quantity\n" + "".join(lines))
    return path


def test_files_of_two_markets_by_their_names_are_refused_until_one_is_chosen(
    tmp_path: Path,
) -> None:
    files = [write(tmp_path / "BTCUSDT.csv", 100), write(tmp_path / "ETHUSDT.csv", 10)]
    with pytest.raises(InputError, match=r"BTCUSDT\.csv of BTCUSDT.*ETHUSDT\.csv of ETHUSDT"):
        read_trades(files)
    assert read_trades(files, symbol="ETH/USDT").price.tolist() == [10, 10, 10]
    with pytest.raises(InputError, match="no trades of SOL/USDT inside, but of BTCUSDT, ETHUSDT"):
        read_trades(files, symbol="SOL/USDT")
    later = write(tmp_path / "ETHUSDT-2.csv", 11, first=3)
    assert len(read_trades([files[1], later])) == 6
    assert read_trades(files[:1], symbol="XBT/USD").symbol == "XBT/USD"  # a name is no proof


def test_files_that_are_no_data_in_a_zip_are_passed_over_and_named(tmp_path: Path) -> None:
    table = write(tmp_path / "trades.csv", 100)
    archive = tmp_path / "trades.zip"
    foreign = {
        "__MACOSX/._trades.csv": b"\0\5\x16\7\0\2\0\0Mac OS X",
        "trades.csv.CHECKSUM": b"00aa  trades.csv\n",
        "README.md": b"# Trades\n",
        ".DS_Store": b"\0\0\0\1Bud1",
        "notes.txt": b"downloaded on a Sunday\nby me\n",
    }
    with zipfile.ZipFile(archive, "w") as file:
        for name, content in foreign.items():
            file.writestr(name, content)
        file.write(table, "trades.csv")
    read = read_trades([archive])
    assert read.price.tolist() == [100, 100, 100]
    assert read.ignored == {f"{name} in trades.zip, which holds no data": 1 for name in foreign}
    assert not read.unusable


def test_a_zip_of_nothing_but_foreign_files_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "notes.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("notes.txt", b"downloaded on a Sunday\n")
        file.writestr("more.txt", b"by me\n")
    with pytest.raises(InputError, match=r"notes\.txt\): no column holds the trade's time"):
        read_trades([archive])
