"""Market streams by name, and the frames that a cut of market time gives each of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

from exchange_simulator.binance.frames import combined
from exchange_simulator.binance.klines import (
    INTERVALS_US,
    Kline,
    flat,
    fold,
    open_of,
)
from exchange_simulator.market.history import hours, latest_trades
from exchange_simulator.market.tape import QuoteColumns, TradeColumns
from exchange_simulator.markets import Market

_SECOND_US = 1_000_000


class Stream(NamedTuple):
    """A stream that exists: its name, its market, and `trade`, `bookTicker`, … or an interval."""

    name: str
    wire_symbol: str
    kind: str
    interval: str | None


class View(NamedTuple):
    """What a connection wants to see; connections with equal views get the same bytes."""

    streams: frozenset[Stream]
    combined: bool
    microseconds: bool


def parse_stream(name: str, markets: Mapping[str, Market]) -> Stream | None:
    """Return the stream of a name, None where there is none: names are lowercase up to the `@`."""
    symbol, _, kind = name.partition("@")
    if symbol != symbol.lower() or symbol.upper() not in markets:
        return None
    if kind in ("trade", "aggTrade", "bookTicker"):
        return Stream(name, symbol.upper(), kind, None)
    if kind.startswith("kline_") and kind.removeprefix("kline_") in INTERVALS_US:
        return Stream(name, symbol.upper(), "kline", kind.removeprefix("kline_"))
    return None


class RunningKline:
    """The kline of one stream as time goes on; `advance` says when it is due to be sent."""

    def __init__(self, market: Market, interval: str, from_us: int) -> None:
        self._interval = interval
        self._update_us = _SECOND_US if interval == "1s" else 2 * _SECOND_US
        open_us = open_of(from_us, interval)
        before = latest_trades(market.tape, 1, open_us, market.klines_since_us).price
        self._now = flat(open_us, interval, int(before[-1])) if len(before) else None
        for start_us, end_us in hours(max(open_us, market.klines_since_us), from_us):
            self._add(market.tape.trades(start_us, end_us))

    def advance(self, trades: TradeColumns, to_us: int) -> tuple[Kline, bool] | None:
        """Fold a cut that crosses no full second; return the kline and if it closed, where due."""
        self._add(trades)
        if self._now is None or (to_us % self._update_us and to_us < self._now.end_us):
            return None
        shown, closed = self._now, to_us >= self._now.end_us
        if closed:
            self._now = flat(open_of(to_us, self._interval), self._interval, shown.close)
        return shown, closed

    def _add(self, trades: TradeColumns) -> None:
        for part in fold(trades, self._interval):
            self._now = part if self._now is None else self._now.merged(part)


class MarketCut:
    """What happened in one market in `[from_us, to_us)`, read from the tape when first wanted."""

    def __init__(self, market: Market, from_us: int, to_us: int) -> None:
        self._market = market
        self._range = (from_us, to_us)

    @cached_property
    def trades(self) -> TradeColumns:
        """The trades."""
        return self._market.tape.trades(*self._range)

    @cached_property
    def quotes(self) -> QuoteColumns:
        """The changes of the best bid and ask."""
        return self._market.tape.quotes(*self._range)


class Cut:
    """All markets in `[from_us, to_us)`, encoded once for all who see the same."""

    def __init__(
        self,
        markets: Mapping[str, Market],
        running: Mapping[Stream, RunningKline],
        from_us: int,
        to_us: int,
    ) -> None:
        self._markets = markets
        self._to_us = to_us
        self.by_market = {name: MarketCut(m, from_us, to_us) for name, m in markets.items()}
        due = {
            stream: kline.advance(self.by_market[stream.wire_symbol].trades, to_us)
            for stream, kline in running.items()
        }
        self._due = {stream: kline for stream, kline in due.items() if kline is not None}
        self._encoded: dict[tuple[Stream, bool], list[tuple[int, int, bytes]]] = {}

    def frames(self, view: View) -> list[bytes]:
        """Return the frames of a view by time and, within a market, in the order of events."""
        rows = sorted(
            (time_us, sequence, stream.name, frame)
            for stream in view.streams
            for time_us, sequence, frame in self._rows(stream, microseconds=view.microseconds)
        )
        if view.combined:
            return [combined(name, frame) for _, _, name, frame in rows]
        return [frame for _, _, _, frame in rows]

    def _rows(self, stream: Stream, *, microseconds: bool) -> list[tuple[int, int, bytes]]:
        key = (stream, microseconds)
        if key not in self._encoded:
            self._encoded[key] = self._encode(stream, microseconds=microseconds)
        return self._encoded[key]

    def _encode(self, stream: Stream, *, microseconds: bool) -> list[tuple[int, int, bytes]]:
        encode = self._markets[stream.wire_symbol].frames
        cut = self.by_market[stream.wire_symbol]
        if stream.interval is not None:
            if stream not in self._due:
                return []
            kline, closed = self._due[stream]
            frame = encode.kline(
                kline, stream.interval, self._to_us, closed=closed, microseconds=microseconds
            )
            return [(self._to_us, 0, frame)]
        if stream.kind == "bookTicker":
            return _timed(cut.quotes, encode.quotes(cut.quotes))
        if stream.kind == "aggTrade":
            return _timed(
                cut.trades, encode.aggregate_trades(cut.trades, microseconds=microseconds)
            )
        return _timed(cut.trades, encode.trades(cut.trades, microseconds=microseconds))


def _timed(
    columns: TradeColumns | QuoteColumns, frames: list[bytes]
) -> list[tuple[int, int, bytes]]:
    return list(zip(columns.time_us.tolist(), columns.sequence.tolist(), frames, strict=True))
