"""Trades and quotes out of recorded Binance frames, in recorded order, each with a time."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from exchanges.binance import wire
from marketstream.errors import InputError
from marketstream.recordings import RecordedFrame, read_frames

_NUMBER = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,8})?")  # never more units than an int64 holds
_MICROSECONDS_FROM = 10**14  # read as milliseconds this is the year 5138
_OFFSET_WINDOW_US = 60_000_000


class RecordedQuote(wire.Quote[str], kw_only=True, gc=False):
    """A bookTicker event with the id that a frame of one is made with."""

    update_id: int = msgspec.field(name="u")


type RecordedTrade = wire.Trade[str]
type RecordedEvent = RecordedTrade | RecordedQuote
type _Line = tuple[int | None, RecordedEvent]  # receive time in µs


class _Envelope(wire.Envelope, gc=False):
    data: msgspec.Raw = msgspec.Raw()
    e: str | None = None


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_EVENTS: dict[str, msgspec.json.Decoder[RecordedTrade] | msgspec.json.Decoder[RecordedQuote]] = {
    "trade": msgspec.json.Decoder(wire.Trade[str]),
    "bookTicker": msgspec.json.Decoder(RecordedQuote),
}


def read_events(
    paths: Sequence[Path], wire_symbol: str, passed_over: Counter[str]
) -> list[tuple[int, RecordedEvent]]:
    """Return the trades and quotes of one symbol, each with a time in µs, as they were recorded.

    Lines go by their receive time where all have one, so files may come in any order or side by
    side; else the files go by their first trade. Frames left out are counted, by kind, in
    `passed_over`.
    Raises InputError where a file cannot be read or there is no trade of the symbol.
    """
    everything = [_read(path, passed_over) for path in paths]
    files = [[line for line in file if line[1].symbol == wire_symbol] for file in everything]
    first_trades = [next((e.time for _, e in f if isinstance(e, wire.Trade)), 0) for f in files]
    if not any(first_trades):
        symbols = {event.symbol for file in everything for _, event in file}
        raise InputError(_nothing_of(wire_symbol, paths, symbols))
    others = sum(map(len, everything)) - sum(map(len, files))
    passed_over.update({"another symbol": others} if others else {})
    in_order = sorted(range(len(files)), key=first_trades.__getitem__)
    lines = [line for index in in_order for line in files[index]]
    if all(received_us is not None for received_us, _ in lines):
        lines.sort(key=lambda line: line[0] or 0)
    return list(zip(_times(lines), (event for _, event in lines), strict=True))


def _read(path: Path, passed_over: Counter[str]) -> list[_Line]:
    lines: list[_Line] = []
    latest_us = 0
    for line in read_frames([path]):
        event = _event(line, passed_over)
        if event is None:
            continue
        received_us = None
        if line.received_ns is not None:  # never back: the recorder's clock may be set
            received_us = latest_us = max(latest_us, line.received_ns // 1_000)
        lines.append((received_us, event))
    return lines


def _event(line: RecordedFrame, passed_over: Counter[str]) -> RecordedEvent | None:
    try:
        envelope = _ENVELOPE.decode(line.frame)
        stream = (envelope.stream or "").partition("@")[2]
        kind = stream or envelope.e or "bookTicker"
        if kind not in _EVENTS:
            passed_over[kind] += 1
            return None
        event = _EVENTS[kind].decode(bytes(envelope.data) or line.frame)
    except msgspec.DecodeError:
        passed_over["malformed"] += 1
        return None
    if isinstance(event, wire.Trade) and event.execution not in wire.OF_MARKET:
        passed_over[f"trade X={event.execution:.20}"] += 1
        return None
    if not _makes_sense(event):
        passed_over["malformed"] += 1
        return None
    return event


def _makes_sense(event: RecordedEvent) -> bool:
    """Say whether all numbers are some: a recorder may cut one."""
    if isinstance(event, wire.Trade):
        positive: tuple[str, ...] = (event.price, event.quantity)
        others: tuple[str, ...] = ()
    else:
        positive, others = (event.bid, event.ask), (event.bid_quantity, event.ask_quantity)
    numbers = all(map(_NUMBER.fullmatch, (*positive, *others)))
    return numbers and all(text.strip("0.") for text in positive)


def _times(lines: Sequence[_Line]) -> list[int]:
    """Return a time for each line, in µs, so that time order agrees with recorded order.

    A trade has its own. A quote gets its receive time plus the clock offset, the largest exchange
    time minus receive time of the last minute, but never less than an event ahead of it nor more
    than a trade behind it.
    """
    offsets: deque[tuple[int, int]] = deque()
    first = min(_microseconds(event.time) for _, event in lines if isinstance(event, wire.Trade))
    times: list[int] = []
    for received_us, event in lines:
        if event.time is not None:
            time = _microseconds(event.time)
        elif received_us is not None and offsets:
            time = received_us + offsets[0][1]
        else:
            time = first
        if isinstance(event, wire.Trade) and received_us is not None:
            _note_offset(offsets, received_us, time - received_us)
        times.append(time)
    is_trade = np.array([isinstance(event, wire.Trade) for _, event in lines])
    estimates = np.array(times, np.int64)
    trades_behind = np.where(is_trade, estimates, np.iinfo(np.int64).max)
    limits = np.minimum.accumulate(trades_behind[::-1])[::-1]
    in_place = np.maximum.accumulate(np.minimum(estimates, limits))
    return [int(time) for time in np.where(is_trade, estimates, in_place)]


def _note_offset(offsets: deque[tuple[int, int]], received_us: int, offset: int) -> None:
    """Keep, in falling order, the offsets that are or may become the largest of the window."""
    while offsets and offsets[-1][1] <= offset:
        offsets.pop()
    offsets.append((received_us, offset))
    while offsets[0][0] < received_us - _OFFSET_WINDOW_US:
        offsets.popleft()


def _microseconds(time: int) -> int:
    return time if time >= _MICROSECONDS_FROM else time * 1_000


def _nothing_of(wire_symbol: str, paths: Sequence[Path], symbols: set[str]) -> str:
    names = ", ".join(str(path) for path in paths) or "no file given"
    others = ", ".join(sorted(symbols - {wire_symbol}))
    if others:
        return f"{names}: no trades of {wire_symbol} inside, but of {others}: choose one of these"
    return (
        f"{names}: no Binance trades inside: give recorded frames of the trade and bookTicker "
        "streams, one JSON frame per line"
    )
