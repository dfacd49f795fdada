"""What is fuzzed, and what it may do with what it is given: refuse it, by the errors it says.

Anything else is a finding, and so is an answer that breaks its own rules.
"""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["exchanges", "marketstream"]):
    import msgspec
    import msgspec.inspect

    from exchanges._template import VENUE as TEMPLATE
    from exchanges._template.samples import SAMPLES as TEMPLATE_SAMPLES
    from exchanges.binance import VENUE as BINANCE
    from exchanges.binance.samples import SAMPLES as BINANCE_SAMPLES
    from exchanges.catalogue import venues
    from exchanges.checked import check_klines, check_time, check_trades
    from exchanges.checks import check_frame, samples_of
    from exchanges.samples import Samples
    from exchanges.venue import Venue
    from marketstream.errors import InputError, NetworkError, SettingsError
    from marketstream.readers import kind_of, read_trades
    from marketstream.readers.candles import read_candles
    from marketstream.recordings import read_frames
    from marketstream.topics import ALL_TOPICS


@dataclass(frozen=True, slots=True)
class Target:
    """What is given bytes, and examples of what it usually gets."""

    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def _stream(venue: Venue, samples: Samples) -> Target:
    stream = venue.stream([samples.symbol], venue.name, levels=venue.book_levels)
    books = (frame for frame, _ in samples.books)
    seeds = (samples.trade, samples.quote, *books, *samples.beside)
    return Target(partial(check_frame, stream), seeds)


def _rest(venue: Venue, samples: Samples) -> Target:
    rest, symbol = venue.rest, samples.symbol

    def trades(status: int, body: bytes) -> None:
        page = rest.parse_trades(symbol, status, body)
        checked = check_trades(page, symbol, page_id=5, from_ms=0, reference_price=60_000.0)
        ids = [row.page_id for row in checked.trades]
        if ids != sorted(set(ids)) or checked.rows != len(page.trades) + len(page.refused):
            raise AssertionError(f"{checked} of {page}")

    parsers = (
        trades,
        lambda status, body: check_klines(rest.parse_klines(symbol, status, body), symbol),
        lambda status, body: check_time(rest.parse_server_time(status, body)),
        lambda status, body: rest.parse_market_info(symbol, status, body),
    )

    def run(data: bytes) -> None:
        """Give the rest to the parser that the first byte names, with the status that it names."""
        if not data:
            return
        try:
            parsers[data[0] % len(parsers)]((200, 400)[data[0] // 128], data[1:])
        except (NetworkError, SettingsError):
            return

    bodies = (samples.past, samples.klines, samples.server_time, samples.market_info)
    seeds = [bytes([number]) + body for number, body in enumerate(bodies)]
    return Target(run, (*seeds, b"\x83" + samples.not_traded[1]))


def _messages() -> Target:
    decoders = [msgspec.json.Decoder[Any](topic.message) for topic in ALL_TOPICS]

    def run(data: bytes) -> None:
        """Decode what follows the first byte as the messages of the topic that it names."""
        if not data:
            return
        decoder = decoders[data[0] % len(decoders)]
        try:
            message = decoder.decode(data[1:])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return
        again = decoder.decode(msgspec.json.encode(message))
        if again != message:
            raise AssertionError(f"{message} is written as {again}")
        hash(again.identity)

    examples = [_example(msgspec.inspect.type_info(topic.message)) for topic in ALL_TOPICS]
    seeds = [bytes([at]) + msgspec.json.encode(example) for at, example in enumerate(examples)]
    return Target(run, tuple(seeds))


def _example(kind: msgspec.inspect.Type) -> Any:
    """Return a value of a type, as JSON has it."""
    match kind:
        case msgspec.inspect.StructType(fields=fields, array_like=True):
            return [_example(field.type) for field in fields]
        case msgspec.inspect.StructType(fields=fields, tag_field=tag_field, tag=tag):
            named = {field.encode_name: _example(field.type) for field in fields}
            return named if tag_field is None else {tag_field: tag, **named}
        case msgspec.inspect.UnionType(types=types):
            return _example(types[0])
        case msgspec.inspect.LiteralType(values=values):
            return values[0]
        case msgspec.inspect.DictType(key_type=key, value_type=value):
            return {str(_example(key)): _example(value)}
        case (
            msgspec.inspect.ListType(item_type=item) | msgspec.inspect.VarTupleType(item_type=item)
        ):
            return [_example(item)]
        case msgspec.inspect.TupleType(item_types=items):
            return [_example(item) for item in items]
        case msgspec.inspect.IntType():
            return 1_723_161_255_342
        case msgspec.inspect.FloatType():
            return 1.5
        case msgspec.inspect.BoolType():
            return True
        case msgspec.inspect.NoneType():
            return None
        case _:
            return "AAAA"


def _files(read: Callable[[Path], object], seeds: tuple[bytes, ...]) -> Target:
    in_memory = os.memfd_create("fuzzed")
    file = Path(f"/proc/self/fd/{in_memory}")

    def run(data: bytes) -> None:
        os.ftruncate(in_memory, 0)
        os.pwrite(in_memory, data, 0)
        try:
            read(file)
        except InputError:
            return

    return Target(run, seeds)


def _trade_files() -> Target:
    seeds: tuple[bytes, ...] = (
        b"id,price,qty,quoteQty,time,isBuyerMaker\n1,61837.63,0.02,1236.75,1723161255342,true\n",
        b"1,61837.63,0.02,1236.75,1723161255342,true,true\n2,6e4,1e-3,1,1723161255343,False,True\n",
        b"timestamp;price;amount;side\n2024-08-08 23:54:15.342;61837,63;0,02;sell\n",
        b'[{"price":"61837.63","size":"0.02","side":"sell","time":"2024-08-08T23:54:15.342Z"}]',
        BINANCE_SAMPLES.past,
        b"\n".join([BINANCE_SAMPLES.trade, BINANCE_SAMPLES.quote]),
    )
    seeds += _packed(seeds[1])
    return _files(lambda file: (kind_of(file), read_trades([file])), seeds)


def _candle_files() -> Target:
    seeds = (
        b"open_time,open,high,low,close,volume\n1723161240000,1,3,1,2,5\n1723161300000,2,2,2,2,0\n",
        b"Unix;Date;Symbol;Open;High;Low;Close;Volume BTC\n"
        b"1723161240000;08/08/2024 23:54;BTC/USDT;1;3;1;2;5\n",
        BINANCE_SAMPLES.klines,
        BINANCE_SAMPLES.klines.replace(b"],[", b"\n").strip(b"[]").replace(b'"', b""),
    )
    return _files(lambda file: (kind_of(file), read_candles([file])), seeds)


def _packed(data: bytes) -> tuple[bytes, ...]:
    """Return a file in gzip and in zip, and in UTF-16."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("one.json", data)
    return gzip.compress(data, mtime=0), archive.getvalue(), data.decode().encode("utf-16")


def _frame_files() -> Target:
    seeds = (
        b"1723161255342000000 " + BINANCE_SAMPLES.trade + b"\n" + BINANCE_SAMPLES.quote + b"\n",
        b"\n".join([TEMPLATE_SAMPLES.trade, *BINANCE_SAMPLES.beside]),
        *_packed(BINANCE_SAMPLES.trade),
    )

    def read(file: Path) -> None:
        stream = BINANCE.stream(["BTC/USDT"], BINANCE.name)
        for recorded in read_frames([file]):
            check_frame(stream, recorded.frame)

    return _files(read, seeds)


def _of_venues() -> dict[str, Callable[[], Target]]:
    said = [(venue, samples_of(venue)) for venue in venues().values()]
    targets: dict[str, Callable[[], Target]] = {}
    for venue, samples in (*said, (TEMPLATE, TEMPLATE_SAMPLES)):
        name = venue.name.replace("-", "_")
        targets[f"{name}_stream"] = partial(_stream, venue, samples)
        targets[f"{name}_rest"] = partial(_rest, venue, samples)
    return targets


TARGETS: dict[str, Callable[[], Target]] = {
    **_of_venues(),
    "messages": _messages,
    "trade_files": _trade_files,
    "candle_files": _candle_files,
    "frame_files": _frame_files,
}
