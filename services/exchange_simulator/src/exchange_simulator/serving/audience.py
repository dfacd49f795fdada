"""Everybody who listens to the market streams, and the sending of each cut of time to them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp import WSCloseCode

from exchange_simulator.faults.exchange import ExchangeFaults
from exchange_simulator.serving.connection import Connection, text_message
from exchange_simulator.serving.cut import Cut, RunningKline
from exchange_simulator.serving.port import VenueServer
from exchange_simulator.serving.view import Channel, View

_FULL_BACKLOG = 8 << 20  # bytes
_POLL_S = 0.002


@dataclass
class Ledger:
    """What went out to at least one connection, by symbol, and how many clients were too slow."""

    trades_sent: Counter[str] = field(default_factory=Counter)
    quotes_sent: Counter[str] = field(default_factory=Counter)
    slow_clients_cut: int = 0


class Audience:
    """The connections, and what each is shown.

    A connection whose backlog is full is waited for up to `patience_s` and then cut: memory stays
    bounded, and one that only lags at a high speed holds the market up instead of losing anything.
    """

    def __init__(
        self,
        venue: VenueServer,
        patience_s: float,
        faults: ExchangeFaults | None = None,
    ) -> None:
        self._faults = faults
        self.ledger = Ledger()
        self.subscribed = asyncio.Event()
        self._venue = venue
        self._patience_s = patience_s
        self._views: dict[Connection, View] = {}
        self._running: dict[Channel, RunningKline] = {}

    @property
    def connections(self) -> Sequence[Connection]:
        """Everybody who listens."""
        return list(self._views)

    def add(self, connection: Connection) -> None:
        """Let a connection listen."""
        self._views[connection] = self._view(connection)

    def changed(self, connection: Connection) -> None:
        """Look again at what a connection is subscribed to, if it still listens."""
        if connection in self._views:
            self._views[connection] = self._view(connection)

    def remove(self, connection: Connection) -> None:
        """Let a connection listen no more; a second time changes nothing."""
        self._views.pop(connection, None)

    def cut(self, connection: Connection) -> None:
        """End a connection at once, with all that waits to be sent."""
        self.remove(connection)
        connection.transport.abort()

    def publish(self, from_us: int, to_us: int) -> None:
        """Send what happened in `[from_us, to_us)`; all sends are done without a pause between."""
        if self._faults is not None:
            self._faults.plan.advance()
        channels = frozenset(one for view in self._views.values() for one in view.channels)
        self._keep_running(channels, from_us)
        cut = Cut(self._venue, self._running, from_us, to_us)
        by_view: defaultdict[View, list[Connection]] = defaultdict(list)
        for connection, view in self._views.items():
            by_view[view].append(connection)
        for view, connections in by_view.items():
            if self._faults is not None:
                self._faults.streams.send(connections, cut.frames(view), view)
                continue
            sent = b"".join(map(text_message, cut.frames(view)))
            if sent:
                for connection in connections:
                    connection.send(sent)
        self._book(channels, cut)

    async def settle(self) -> None:
        """Wait until no backlog is full; cut who does not get there in time."""
        if any(connection.backlog > _FULL_BACKLOG for connection in self._views):
            for connection in await self._above(_FULL_BACKLOG // 2):
                self.ledger.slow_clients_cut += 1
                self.cut(connection)

    async def drain(self) -> None:
        """Wait until everything is sent, as long as a slow connection is waited for."""
        await self._above(0)

    def announce_shutdown(self, now_us: int, *, ended: bool = False) -> None:
        """Tell everybody, as the venue does, that the exchange stops or the market has ended."""
        for connection, view in self._views.items():
            frame = self._venue.farewell(view, now_us, ended=ended)
            if frame is not None:
                connection.send(text_message(frame))

    async def close(self) -> None:
        """Close every connection in the orderly way."""
        connections = list(self._views)
        self._views.clear()
        await asyncio.gather(
            *(connection.ws.close(code=WSCloseCode.GOING_AWAY) for connection in connections)
        )

    async def _above(self, limit: int) -> list[Connection]:
        """Wait for all backlogs to come down to `limit`; return the connections that did not."""
        deadline_s = time.monotonic() + self._patience_s
        while late := [one for one in self._views if one.backlog > limit]:
            if time.monotonic() > deadline_s:
                return late
            await asyncio.sleep(_POLL_S)
        return []

    def _view(self, connection: Connection) -> View:
        view = connection.session.view()
        if view.channels:
            self.subscribed.set()
        return view

    def _keep_running(self, channels: frozenset[Channel], from_us: int) -> None:
        for channel in self._running.keys() - channels:
            del self._running[channel]
        for channel in channels - self._running.keys():
            if channel.kind == "klines":
                market = self._venue.exchange.markets[channel.wire_symbol]
                self._running[channel] = RunningKline(market, channel.detail, from_us)

    def _book(self, channels: frozenset[Channel], cut: Cut) -> None:
        heard = {(channel.wire_symbol, channel.kind) for channel in channels}
        for wire_symbol, market in self._venue.exchange.markets.items():
            part = cut.by_market[wire_symbol]
            if (wire_symbol, "trades") in heard:
                self.ledger.trades_sent[market.tape.symbol] += len(part.trades.id)
            if (wire_symbol, "quotes") in heard:
                self.ledger.quotes_sent[market.tape.symbol] += len(part.quotes.update_id)
