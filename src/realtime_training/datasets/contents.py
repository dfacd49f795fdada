"""What a file holds, told by its content, and the columns of one that holds a table."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Literal, cast

from marketstream.errors import InputError

type Kind = Literal["frames", "candles", "trades"]
type Columns = dict[str, Any]

_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_PARQUET, _FEATHER = b"PAR1", b"ARROW1"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_HEAD_BYTES = 1 << 16
_PRICES = {"open", "high", "low", "close"}
_KLINE = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count",
    "taker_buy_volume", "taker_buy_quote_volume", "ignore",
)  # fmt: skip


def kind_of(file: Path) -> Kind:
    """Say whether a file holds recorded frames, candles or, as far as can be told, trades.

    Raises InputError where it cannot be read.
    """
    head = _content(file, _HEAD_BYTES)
    if head.startswith((_PARQUET, _FEATHER)):
        return "candles" if _are_candles(list(columns_in(file))) else "trades"
    text = head.removeprefix(_BYTE_ORDER_MARK).lstrip()
    if b"{" in text:
        # An array of objects is a list of trades; frames stand one a line.
        return (
            "trades" if text.startswith(b"[") and text[1:].lstrip().startswith(b"{") else "frames"
        )
    first = text.partition(b"\n")[0]
    return "candles" if _are_candles(_names(first) or _cells(first)) else "trades"


def columns_in(file: Path) -> Columns:
    """Return the columns of a CSV, Parquet or Feather file by name, as numpy has them.

    Raises InputError where it cannot be read as a table.
    """
    pa: Any = _imported("pyarrow", file)
    content = _content(file)
    try:
        if content.startswith(_PARQUET):
            table = _imported("pyarrow.parquet", file).read_table(pa.BufferReader(content))
        elif content.startswith(_FEATHER):
            table = _imported("pyarrow.ipc", file).open_file(content).read_all()
        else:
            table = _read_csv(content.removeprefix(_BYTE_ORDER_MARK).lstrip(), file)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{file}: cannot be read as a table ({error})") from error
    return {name: table[name].to_numpy() for name in table.column_names}


def _read_csv(content: bytes, file: Path) -> Any:
    pa: Any = _imported("pyarrow", file)
    csv: Any = _imported("pyarrow.csv", file)
    first = content.partition(b"\n")[0]
    names = _names(first)
    return csv.read_csv(
        pa.BufferReader(content),
        csv.ReadOptions(column_names=None if names is None else list(names)),
        csv.ParseOptions(delimiter=_delimiter(first)),
    )


def _names(first: bytes) -> Sequence[str] | None:
    """Return the names of columns that a CSV does not give itself: a Binance archive's klines."""
    cells = _cells(first)
    if len(cells) == len(_KLINE) and all(cell.replace(".", "", 1).isdecimal() for cell in cells):
        return _KLINE
    return None


def _cells(first: bytes) -> list[str]:
    cells = first.decode("utf-8", "replace").split(_delimiter(first))
    return [cell.strip().strip('"') for cell in cells]


def _delimiter(first: bytes) -> str:
    return max(",;\t|", key=lambda each: first.count(each.encode()))


def _are_candles(names: Sequence[str]) -> bool:
    return {name.lower() for name in names} >= _PRICES


def _content(file: Path, most: int = -1) -> bytes:
    """Return a file's bytes, unpacked; no more than `most` where that is given."""
    try:
        with file.open("rb") as raw:
            magic = raw.read(4)
            raw.seek(0)
            if magic.startswith(_GZIP):
                with gzip.open(raw) as unpacked:
                    return cast("IO[bytes]", unpacked).read(most)
            if magic == _ZIP:
                return _only_member(file, raw, most)
            return raw.read(most)
    except FileNotFoundError as error:
        raise InputError(f"{file}: no such file") from error
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise InputError(
            f"{file}: cannot be read ({error}): if it was cut off, unpack what is whole of it"
        ) from error


def _only_member(file: Path, raw: IO[bytes], most: int) -> bytes:
    with zipfile.ZipFile(raw) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        if len(members) != 1:
            raise InputError(f"{file}: holds {len(members)} files, and one is needed: unpack it")
        with archive.open(members[0]) as stream:
            return stream.read(most)


def _imported(name: str, file: Path) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise InputError(
            f"{file}: tables are read with pyarrow, which is not installed: install it"
        ) from error
