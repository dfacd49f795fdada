"""Trades from JSON: arrays of trades, and recorded frames, one to a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

import msgspec

from marketstream.errors import InputError
from marketstream.readers.columns import (
    RawColumns,
    Reading,
    check_roles,
    is_trade,
    read_part,
    roles_of,
)
from marketstream.readers.table import Part

_BLOCK_BYTES = 1 << 20
_NO_TRADE = "no trade of the market (X=NA or price 0)"


class _Trade(msgspec.Struct, gc=False):
    s: str
    t: int
    p: str
    q: str
    T: int
    m: bool
    X: str = ""

    def row(self) -> tuple[bytes, ...]:
        return (b"%d" % self.T, self.p.encode(), self.q.encode(), _text(self.m), self.s.encode(),
                b"%d" % self.t)  # fmt: skip


class _Aggregate(msgspec.Struct, gc=False):
    s: str
    f: int
    l: int  # noqa: E741 - the exchange's name for it
    p: str
    q: str
    T: int
    m: bool
    X: str = ""

    def row(self) -> tuple[bytes, ...]:
        return (b"%d" % self.T, self.p.encode(), self.q.encode(), _text(self.m), self.s.encode(),
                b"%d" % self.f, b"%d" % self.l)  # fmt: skip


class _Envelope(msgspec.Struct, gc=False):
    stream: str | None = None
    data: msgspec.Raw = msgspec.Raw()
    e: str | None = None


_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_trade = msgspec.json.Decoder(_Trade).decode
_decode_aggregate = msgspec.json.Decoder(_Aggregate).decode
_decode_any = msgspec.json.Decoder(float_hook=str).decode  # as it is written: exact


def read_array(stream: IO[bytes], source: str, reading: Reading) -> Iterator[Part]:
    """Yield the trades of a JSON array of objects whose fields have the usual names, as ccxt's do.

    Binance's own first and last id, which ccxt keeps under `info`, tell how many fills a trade is.
    Raises InputError where it is no JSON or the fields do not say enough.
    """
    try:
        records = _decode_any(stream.read().removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{source}: is no whole JSON array ({error})") from error
    yield from _read_records(records, source, reading)


def read_lines(stream: IO[bytes], source: str, reading: Reading) -> Iterator[Part]:
    """Yield the trades of recorded frames: the object in each line, whatever stands before it.

    Binance's trade and aggTrade frames are read, raw or combined, and objects whose fields have the
    usual names. Where both kinds of frames are there, the trades count.
    """
    while lines := stream.readlines(_BLOCK_BYTES):
        trades, aggregates = [], []
        others: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for line in lines:
            frame = line[line.find(b"{") :] if b"{" in line else line.strip()
            if not frame:
                continue
            try:
                event = _event(frame)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                reading.unusable["malformed frame"] += 1
                continue
            if isinstance(event, str):
                reading.ignored[event] += 1
            elif isinstance(event, _Trade):
                trades.append(event.row())
            elif isinstance(event, _Aggregate):
                aggregates.append(event.row())
            else:
                others.setdefault(tuple(event), []).append(event)
        part = _part_of_rows(trades, reading, aggregated=False)
        if part is not None:
            yield part
        part = _part_of_rows(aggregates, reading, aggregated=True)
        if part is not None:
            yield part
        for names, records in others.items():
            if is_trade(roles_of(names)):
                yield from _read_records(records, source, reading)
            else:
                reading.ignored["frame of another kind"] += len(records)


def _event(frame: bytes) -> _Trade | _Aggregate | dict[str, Any] | str:
    """Return what a frame holds, or the name of the stream that it belongs to."""
    envelope = _decode_envelope(frame)
    kind = (envelope.stream or "").partition("@")[2] or envelope.e
    data = bytes(envelope.data) or frame
    if kind in ("trade", "aggTrade"):
        event = _decode_trade(data) if kind == "trade" else _decode_aggregate(data)
        return _NO_TRADE if event.X == "NA" or not event.p.strip("0.") else event
    if kind is not None:
        return f"{kind} frame"
    fields: dict[str, Any] = _decode_any(frame)
    if "result" in fields:
        return "answer to a request"
    if isinstance(fields.get("type"), str):  # other venues' channels: orders have prices too
        return f"{fields['type']:.30} frame"
    return "bookTicker frame" if {"b", "B", "a", "A"} <= fields.keys() else fields


def _part_of_rows(
    rows: Sequence[tuple[bytes, ...]], reading: Reading, *, aggregated: bool
) -> Part | None:
    if not rows:
        return None
    time, price, quantity, maker, symbol, *ids = (
        list(column) for column in zip(*rows, strict=True)
    )
    raw: RawColumns = {
        "time": time, "price": price, "quantity": quantity, "buyer_is_maker": maker,
        "symbol": symbol,
    }  # fmt: skip
    raw |= {"first_id": ids[0], "last_id": ids[1]} if aggregated else {"id": ids[0]}
    return read_part(raw, reading, aggregated=aggregated, consecutive=True)


def _read_records(records: Sequence[Any], source: str, reading: Reading) -> Iterator[Part]:
    objects = [_flat(record) for record in records if isinstance(record, dict)]
    if len(objects) < len(records):
        reading.unusable["no object with fields"] += len(records) - len(objects)
    if not objects:
        return
    names = list(objects[0])
    roles = roles_of(names)
    check_roles(roles, names, source)
    raw: RawColumns = {
        role: [_text(record.get(names[index])) for record in objects]
        for role, index in roles.items()
    }
    part = read_part(raw, reading)
    if part is not None:
        yield part


def _flat(record: Mapping[str, Any]) -> Mapping[str, Any]:
    info = record.get("info")
    if isinstance(info, dict) and {"f", "l"} <= info.keys():
        return {**record, "f": info["f"], "l": info["l"]}
    return record


def _text(value: Any) -> bytes:
    if value is None:
        return b""
    if isinstance(value, bool):
        return b"true" if value else b"false"
    return str(value).encode()
