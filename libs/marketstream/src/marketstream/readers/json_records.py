"""Trades from JSON: arrays of trades, and recorded frames, one to a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

import msgspec
import numpy as np

from marketstream.errors import InputError
from marketstream.readers.columns import TRADES, is_trade, read_part, roles_of
from marketstream.readers.grammar import Block, Form, Grammar, Raw, Reading
from marketstream.readers.table import Part

_BLOCK_BYTES = 1 << 20
_OF_MARKET = ("", "MARKET")  # X of trades of the market; other kinds are settled beside it


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


def read_array(
    stream: IO[bytes], source: str, reading: Reading, grammar: Grammar
) -> Iterator[Block]:
    """Yield the rows of a JSON array: objects whose fields have the usual names, as ccxt's do.

    Rows may be arrays too, where the form is one that is known without a header. Binance's own
    first and last id, which ccxt keeps under `info`, tell how many fills a trade is. Raises
    InputError where it is no JSON or the fields do not say enough.
    """
    try:
        records = _decode_any(stream.read().removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{source}: is no whole JSON array ({error})") from error
    if any(isinstance(record, dict) for record in records):
        records = [record if isinstance(record, dict) else None for record in records]
        yield _block(records, source, reading, grammar)
        return
    rows = [[_text(cell) for cell in row] for row in records if isinstance(row, list)]
    if rows:
        form = grammar.without_header(rows[0], source)
        if form is None:
            raise InputError(f"{source}: arrays in an array of no known form: name the fields")
        yield _block_of_cells(rows, form, reading)


def read_lines(stream: IO[bytes], source: str, reading: Reading) -> Iterator[Part]:
    """Yield the trades of recorded frames: the object in each line, whatever stands before it.

    Binance's trade and aggTrade frames are read, raw or combined, and objects whose fields have the
    usual names. Where both kinds of frames are there, the trades count.
    """
    passed = 0
    while lines := stream.readlines(_BLOCK_BYTES):
        trades, aggregates = [], []
        at: dict[bool, list[int]] = {False: [], True: []}  # lines of trades, and of aggregates
        others: dict[tuple[str, ...], list[dict[str, Any] | None]] = {}
        newest: list[dict[str, Any] | None] | None = None
        for number, line in enumerate(lines, passed + 1):
            frame = line[line.find(b"{") :] if b"{" in line else line.strip()
            if not frame:
                continue
            try:
                event = _event(frame, reading)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                reading.unusable["malformed frame"] += 1
                if newest is not None:
                    newest.append(None)
                else:
                    _note_one(reading)
                continue
            if isinstance(event, str):
                reading.ignored[event] += 1
            elif isinstance(event, _Trade):
                trades.append(event.row())
                at[False].append(number)
            elif isinstance(event, _Aggregate):
                aggregates.append(event.row())
                at[True].append(number)
            else:
                newest = others.setdefault(tuple(event), [])
                newest.append(event)
        passed += len(lines)
        for rows, aggregated in ((trades, False), (aggregates, True)):
            part = _part_of_rows(rows, at[aggregated], reading, aggregated=aggregated)
            if part is not None:
                yield part
        for names, records in others.items():
            if is_trade(roles_of(names)):
                part = read_part(_block(records, source, reading, TRADES, counted=True), reading)
                if part is not None:
                    yield part
            else:
                reading.ignored["frame of another kind"] += len(records) - records.count(None)


def _note_one(reading: Reading) -> None:
    """Note a lost row that stands before the next usable one."""
    nothing = np.zeros(1, np.bool_)
    reading.losses.note(nothing, np.zeros(1, np.int64), nothing)


def _event(frame: bytes, reading: Reading) -> _Trade | _Aggregate | dict[str, Any] | str:
    """Return what a frame holds, or the name of the stream that it belongs to."""
    envelope = _decode_envelope(frame)
    kind = (envelope.stream or "").partition("@")[2] or envelope.e
    data = bytes(envelope.data) or frame
    if kind in ("trade", "aggTrade"):
        event = _decode_trade(data) if kind == "trade" else _decode_aggregate(data)
        if event.X in _OF_MARKET:
            return event
        first, last = (event.t, event.t) if isinstance(event, _Trade) else (event.f, event.l)
        reading.passed_ids += range(first, last + 1)
        return f"no trade of the market (X={event.X:.20})"
    if kind is not None:
        return f"{kind} frame"
    fields: dict[str, Any] = _decode_any(frame)
    if "result" in fields:
        return "answer to a request"
    if isinstance(fields.get("type"), str):  # other venues' channels: orders have prices too
        return f"{fields['type']:.30} frame"
    return "bookTicker frame" if {"b", "B", "a", "A"} <= fields.keys() else fields


def _part_of_rows(
    rows: Sequence[tuple[bytes, ...]], lines: Sequence[int], reading: Reading, *, aggregated: bool
) -> Part | None:
    if not rows:
        return None
    time, price, quantity, maker, symbol, *ids = (
        list(column) for column in zip(*rows, strict=True)
    )
    raw: Raw = {
        "time": time, "price": price, "quantity": quantity, "buyer_is_maker": maker,
        "symbol": symbol,
    }  # fmt: skip
    raw |= {"first_id": ids[0], "last_id": ids[1]} if aggregated else {"id": ids[0]}
    form = Form({role: at for at, role in enumerate(raw)}, consecutive=True)
    return read_part(
        Block(raw, form, lines=np.array(lines, np.int64)), reading, aggregated=aggregated
    )


def _block(
    records: Sequence[dict[str, Any] | None],
    source: str,
    reading: Reading,
    grammar: Grammar,
    *,
    counted: bool = False,
) -> Block:
    """Return records as columns; None stands for one that is damaged, perhaps counted already."""
    broken = [at for at, record in enumerate(records) if record is None]
    if broken and not counted:
        reading.unusable["no object with fields"] += len(broken)
    objects = [{} if record is None else _flat(record) for record in records]
    names = list(next(record for record in objects if record))
    form = grammar.header(names, source)
    if form is None:
        raise InputError(grammar.lacks(names, source))
    raw: Raw = {
        role: [_text(record.get(names[index])) for record in objects]
        for role, index in form.roles.items()
    }
    return Block(raw, form, broken)


def _block_of_cells(rows: Sequence[Sequence[bytes]], form: Form, reading: Reading) -> Block:
    width = max(form.roles.values()) + 1
    broken = [at for at, row in enumerate(rows) if len(row) < width]
    if broken:
        reading.unusable["wrong number of columns"] += len(broken)
    padded = [[*row, *[b""] * width] for row in rows]
    return Block(
        {role: [row[index] for row in padded] for role, index in form.roles.items()}, form, broken
    )


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
