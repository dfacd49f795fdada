"""A cut of market time, and the frames that it gives each channel."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from exchange_simulator.market.history import hours, latest_trades
from exchange_simulator.market.tape import QuoteColumns, TradeColumns
from exchange_simulator.serving.klines import Kline, flat, fold, open_of
from exchange_simulator.serving.markets import Market
from exchange_simulator.serving.view import Channel, Row, View

if TYPE_CHECKING:  # the port's venues speak of cuts
    from exchange_simulator.serving.port import VenueServer

_SECOND_US = 1_000_000


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
    """What happened in one market in `[from_us, to_us)`, read from the tape when first wanted.

    `due` are the klines that are to be sent at its end, and if they closed.
    """

    def __init__(self, market: Market, from_us: int, to_us: int) -> None:
        self.market = market
        self.from_us = from_us
        self.to_us = to_us
        self.due: dict[Channel, tuple[Kline, bool]] = {}

    @cached_property
    def trades(self) -> TradeColumns:
        """The trades."""
        return self.market.tape.trades(self.from_us, self.to_us)

    @cached_property
    def quotes(self) -> QuoteColumns:
        """The changes of the best bid and ask."""
        return self.market.tape.quotes(self.from_us, self.to_us)

    @property
    def ends_second(self) -> bool:
        """Whether a full second passes with it: no cut goes beyond one."""
        return self.to_us % _SECOND_US == 0


class Cut:
    """All markets in `[from_us, to_us)`, encoded once for all who see the same."""

    def __init__(
        self,
        venue: VenueServer,
        running: Mapping[Channel, RunningKline],
        from_us: int,
        to_us: int,
    ) -> None:
        self._venue = venue
        self.by_market = {
            name: MarketCut(market, from_us, to_us)
            for name, market in venue.exchange.markets.items()
        }
        for channel, kline in running.items():
            cut = self.by_market[channel.wire_symbol]
            due = kline.advance(cut.trades, to_us)
            if due is not None:
                cut.due[channel] = due
        self._encoded: dict[tuple[Channel, bool], list[Row]] = {}

    def frames(self, view: View) -> list[bytes]:
        """Return the frames of a view by time and, within a market, in the order of events."""
        rows = sorted(
            (time_us, sequence, channel.name, frame)
            for channel in view.channels
            for time_us, sequence, frame in self._rows(channel, microseconds=view.microseconds)
        )
        if view.combined:
            return [self._venue.dressed(name, frame) for _, _, name, frame in rows]
        return [frame for _, _, _, frame in rows]

    def _rows(self, channel: Channel, *, microseconds: bool) -> list[Row]:
        key = (channel, microseconds)
        if key not in self._encoded:
            cut = self.by_market[channel.wire_symbol]
            self._encoded[key] = self._venue.rows(channel, cut, microseconds=microseconds)
        return self._encoded[key]


def timed(columns: TradeColumns | QuoteColumns, frames: list[bytes]) -> list[Row]:
    """Return a frame for each row of columns with the row's time and place."""
    return list(zip(columns.time_us.tolist(), columns.sequence.tolist(), frames, strict=True))
