"""Faults brought one after another to the connection, and meanwhile to each market."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from realtime_bench.soak.exchange import FaultyExchange
from realtime_bench.soak.freshness import Watch
from realtime_bench.soak.kinds import FRAMES, ROWS, SKEWED
from realtime_bench.soak.plan import PLAIN, Kill, OfMarket, Storm
from realtime_bench.soak.system import SystemUnderTest

FRAME_SHARE = 0.05
_TO_STRIKE_S = 12.0  # reconnecting takes up to half of it
_TO_BE_WELL_S = 15.0
_LEAST_PAUSE_S = 0.5
_TRIES = 3  # a fault may find nobody connected, or nobody who asks
_TO_ASK_S = 5.0  # whom it cut off connects again and asks within that
_POLL_S = 0.2


class Brought(NamedTuple):
    """A fault that was brought: to a market or all (None), from when to when, and how it struck.

    Of the simulated exchange's, `number` is the one in its log, which knows better.
    """

    kind: str
    symbol: str | None
    begin_ms: int
    end_ms: int
    number: int | None = None


class Lanes:
    """Brings what is planned, each lane in a thread of its own; `done` counts the items."""

    def __init__(
        self, exchange: FaultyExchange, system: SystemUnderTest, watch: Watch,
        stop: threading.Event,
    ) -> None:  # fmt: skip
        self.brought: list[Brought] = []
        self.done = 0
        self._exchange = exchange
        self._system = system
        self._watch = watch
        self._stop = stop

    def to_connection(self, items: Iterable[Storm | Kill], every_s: float) -> None:
        """Bring faults of the connection and kills, one every so many seconds at the most."""
        for item in items:
            begun_s = time.monotonic()
            if isinstance(item, Kill):
                self._kill(item)
            else:
                self._bring(item.companions, item.carrier, item.seconds)
            self.done += 1
            if not (isinstance(item, Storm) and item.overlaps):
                self._watch.wait(self._system.symbols, _TO_BE_WELL_S, self._stop)
            if self._stop.wait(max(_LEAST_PAUSE_S, begun_s + every_s - time.monotonic())):
                return

    def to_market(self, faults: Iterable[OfMarket], every_s: float) -> None:
        """Bring faults of one market, one every so many seconds at the most."""
        for fault in faults:
            begun_s = time.monotonic()
            self._bring_to_market(fault)
            self.done += 1
            self._watch.wait([fault.symbol], _TO_BE_WELL_S, self._stop)
            if self._stop.wait(max(_LEAST_PAUSE_S, begun_s + every_s - time.monotonic())):
                return

    def _bring(
        self, companions: Sequence[str], carrier: str, seconds: float, tries: int = _TRIES
    ) -> None:
        """Let one strike the connection, and others whoever connects and asks; all strike once."""
        due_s = time.monotonic() + _TO_STRIKE_S
        # Whoever is told to wait is told until when: these end when they said.
        rows = [self._begin(kind, seconds) for kind in companions]
        carried = self._begin(carrier, seconds)
        while not carried["struck"] and time.monotonic() < due_s:  # nobody is connected
            self._exchange.end(carrier)
            self._stop.wait(_POLL_S)
            carried = self._begin(carrier, seconds)
        if carried["end_us"] is None:
            rows.append(carried)
        else:
            self._end(carried)  # it struck once, and what comes after it is recovering
        self._stop.wait(seconds)
        for row in rows:
            self._end(row)
        log = self._exchange.log()
        missed = [row["kind"] for row in rows if not log[row["number"]]["struck"]]
        if missed and tries > 1 and not self._stop.is_set():
            self._watch.wait(self._system.symbols, _TO_BE_WELL_S, self._stop)
            self._bring(missed, PLAIN, max(seconds, _TO_ASK_S), tries - 1)

    def _bring_to_market(self, fault: OfMarket, tries: int = _TRIES) -> None:
        symbol = fault.symbol
        # Wrong pages are met only by who misses something.
        kinds = [fault.kind, "drop"] if fault.kind in ROWS else [fault.kind]
        rows = [self._begin(kind, 2 * _TO_STRIKE_S, symbol) for kind in kinds]
        self._stop.wait(fault.seconds)
        due_s = time.monotonic() + _TO_STRIKE_S
        while not self._exchange.log()[rows[0]["number"]]["struck"]:
            if time.monotonic() > due_s or self._stop.wait(_POLL_S):
                break
        struck = self._exchange.log()[rows[0]["number"]]["struck"]
        for row in rows:
            self._end(row)
        if not struck and tries > 1 and not self._stop.is_set():
            self._watch.wait([symbol], _TO_BE_WELL_S, self._stop)
            self._bring_to_market(fault, tries - 1)

    def _kill(self, kill: Kill) -> None:
        system = self._system
        begin_ms = _now_ms()
        if kill.kind == "kill_in_repair":
            connections = system.connections
            self._end(self._begin(PLAIN, 1.0))
            system.wait_for_connection(connections, _TO_STRIKE_S)
        system.kill()
        system.start(kill.clock_off_s)
        if kill.kind == "kill_in_history" and system.wait_for_connection(0, _TO_BE_WELL_S):
            system.kill()
            system.start(kill.clock_off_s)
        end_ms = _now_ms()
        kinds = [kill.kind, SKEWED] if kill.clock_off_s else [kill.kind]
        self.brought += [Brought(kind, None, begin_ms, end_ms) for kind in kinds]
        self._watch.expect(system.symbols, end_ms)

    def _begin(self, kind: str, seconds: float, symbol: str | None = None) -> dict[str, Any]:
        share = FRAME_SHARE if kind in FRAMES else None
        row = self._exchange.begin(kind, symbol, seconds=seconds, share=share)
        return {**row, "of": symbol, "begin_ms": _now_ms()}

    def _end(self, row: dict[str, Any]) -> None:
        kind, symbol, end_ms = row["kind"], row["of"], _now_ms()
        self._exchange.end(kind, symbol)
        self.brought.append(Brought(kind, symbol, row["begin_ms"], end_ms, row["number"]))
        self._watch.expect(self._system.symbols if symbol is None else [symbol], end_ms)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
