"""Faults on their way to one client after the other: connections, channels and frames."""

from __future__ import annotations

import asyncio
import struct
from collections import defaultdict
from collections.abc import Callable, Sequence
from weakref import WeakKeyDictionary, WeakSet

from exchange_simulator.faults.frames import (
    ORDER,
    WRONG,
    channel_of,
    chosen,
    draw,
    skew_ms,
    skewed,
    symbol_of,
    wrong,
)
from exchange_simulator.faults.plan import Fault, Faults
from exchange_simulator.serving.connection import Connection, text_message
from exchange_simulator.serving.view import View

_HUGE_BYTES = 64 << 20
_FRAGMENT_BYTES = 1 << 14
_MOST_WAITING_BYTES = 1 << 20
_STATES = ("half_open", "zombie", "endless")


class StreamFaults:
    """What the faults make of the frames of each connection.

    `half_open`, `zombie` and `endless` are of the connections open when they begin; what would have
    gone out is lost. A stall is of all, and what it held goes out at its end.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._states: dict[str, WeakSet[Connection]] = {name: WeakSet() for name in _STATES}
        self._fragmented: WeakSet[Connection] = WeakSet()
        self._held: WeakKeyDictionary[Connection, list[bytes]] = WeakKeyDictionary()
        self._late: dict[View, list[bytes]] = {}
        self._turns: defaultdict[str, int] = defaultdict(int)

    def enter(self, fault: Fault, connections: Sequence[Connection]) -> None:
        """Let open connections come into the state of a fault that has begun."""
        if fault.kind.name in self._states:
            self._states[fault.kind.name].update(connections)
            fault.struck += len(connections)

    def leave(self, fault: Fault, cut: Callable[[Connection], None]) -> None:
        """Let connections out of the state of a fault that has ended; a broken message cuts."""
        if fault.kind.name not in self._states:
            return
        if self._faults.active(fault.kind.name) is None:
            if fault.kind.name == "endless":
                for connection in list(self._fragmented):
                    cut(connection)
            self._states[fault.kind.name].clear()

    def mute(self, connection: Connection) -> bool:
        """Say whether a connection says nothing, not even pongs."""
        return connection in self._states["half_open"]

    def silent(self, connection: Connection) -> bool:
        """Say whether a connection says nothing but pongs, or not even those."""
        return any(connection in state for state in self._states.values())

    def huge(self, connections: Sequence[Connection]) -> None:
        """Send a frame of 64 MB to all."""
        message = text_message(b'{"e":"trade","pad":"' + b"x" * _HUGE_BYTES + b'"}')
        for connection in connections:
            connection.send(message)

    def send(self, connections: Sequence[Connection], frames: list[bytes], view: View) -> None:
        """Send the frames of one view to its connections, as the faults have it."""
        made = self._frames(self._channels(frames, microseconds=view.microseconds), view)
        stalled, marks = self._faults.active("stall"), self._faults.marks
        for connection in connections:
            if connection in self._states["endless"]:
                self._fragment(connection)
            elif self.silent(connection):
                continue
            elif stalled is not None:
                held = self._held.setdefault(connection, [])
                waiting = [one for one in made if stalled.market in (None, symbol_of(one, marks))]
                passing = [
                    one for one in made if stalled.market not in (None, symbol_of(one, marks))
                ]
                held += waiting
                stalled.struck += len(waiting)
                connection.send(b"".join(map(text_message, passing)))
            else:
                out = [*self._held.pop(connection, []), *made]
                connection.send(b"".join(map(text_message, out)))

    def refusal(self, connection: Connection, text: str) -> str | None:
        """Return the error that answers a subscription while those are refused."""
        fault = self._faults.active("refuse_subscribe")
        refusal = None if fault is None else connection.session.refusal(text)
        if fault is None or refusal is None:
            return None
        if draw(self._faults.seed, "refuse", b"%d" % fault.struck) >= fault.share * 2**32:
            fault.struck += 1
            return None
        self._faults.struck(fault)
        return refusal

    def _channels(self, frames: list[bytes], *, microseconds: bool) -> list[bytes]:
        marks = self._faults.marks
        silent = {"trades": "silent_trades", "quotes": "silent_quotes"}
        for channel, kind in silent.items():
            fault = self._faults.active(kind)
            if fault is not None:
                kept = [
                    frame
                    for frame in frames
                    if channel_of(frame, marks) != channel
                    or fault.market not in (None, symbol_of(frame, marks))
                ]
                fault.struck += len(frames) - len(kept)
                frames = kept
        skew = self._faults.active("clock_skew")
        if skew is not None:
            skew.struck += len(frames)
            by_ms = skew_ms(skew)
            frames = [skewed(frame, by_ms, marks, microseconds=microseconds) for frame in frames]
        return frames

    def _frames(self, frames: list[bytes], view: View) -> list[bytes]:
        late = self._late.pop(view, [])
        if not late and not any(self._faults.active(kind) for kind in (*ORDER, *WRONG)):
            return frames
        made: list[bytes] = []
        marks = self._faults.marks
        for frame in frames:
            if channel_of(frame, marks) != "trades":
                made.append(frame)
                continue
            out, later = self._one(frame, microseconds=view.microseconds)
            made += [*out, *late]
            late = later
        if late:
            self._late[view] = late
        return made

    def _one(self, frame: bytes, *, microseconds: bool) -> tuple[list[bytes], list[bytes]]:
        """Return what goes out for a trade, and what goes out after the next one."""
        market, seed = symbol_of(frame, self._faults.marks), self._faults.seed
        for kind in (*ORDER, *WRONG):
            fault = self._faults.active(kind, market)
            if fault is None or not chosen(seed, fault, frame):
                continue
            self._faults.struck(fault)
            if kind == "drop":
                return [], []
            if kind == "duplicate":
                return [frame, frame], []
            if kind == "reorder":
                return [], [frame]
            self._turns[kind] += 1
            copy = wrong(kind, frame, self._turns[kind], self._faults, microseconds=microseconds)
            both = draw(seed, f"{kind} beside", frame) & 1
            return ([copy, frame] if both else [copy]), []
        return [frame], []

    def _fragment(self, connection: Connection) -> None:
        if connection.backlog > _MOST_WAITING_BYTES:
            return
        opcode = 0x00 if connection in self._fragmented else 0x01
        self._fragmented.add(connection)
        head = struct.pack("!BBH", opcode, 126, _FRAGMENT_BYTES)
        connection.send(head + b" " * _FRAGMENT_BYTES)


async def closed(connections: Sequence[Connection]) -> None:
    """Close connections with a close frame."""
    await asyncio.gather(*(one.ws.close(code=1001) for one in connections))
