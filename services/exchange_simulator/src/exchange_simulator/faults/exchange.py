"""The faults of the exchange as a whole: what beginning and ending one does to its connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from aiohttp import WSMessage, WSMsgType, web

from exchange_simulator.faults.numbering import NumberedTape
from exchange_simulator.faults.plan import Fault, Faults
from exchange_simulator.faults.rest import refusal
from exchange_simulator.faults.streams import StreamFaults, closed
from exchange_simulator.serving.connection import Connection

if TYPE_CHECKING:  # the audience sends through this module
    from exchange_simulator.serving.audience import Audience

_CONNECT = ("connect_403", "connect_418", "connect_429", "connect_451", "connect_503")


class ExchangeFaults:
    """The plan of the faults, and what it does to streams and connections."""

    def __init__(self, plan: Faults) -> None:
        self.plan = plan
        self.streams = StreamFaults(plan)
        self._closing: set[asyncio.Task[None]] = set()

    def attach(
        self, audience: Audience, tapes: Mapping[str, NumberedTape], now_us: Callable[[], int]
    ) -> None:
        """Let the faults strike an exchange's connections and numbering from now on."""

        def begun(fault: Fault) -> None:
            self._strike(fault, audience, tapes, now_us())

        self.plan.on_begin = begun
        self.plan.on_end = lambda fault: self.streams.leave(fault, audience.cut)

    def refused_connect(self) -> web.Response | None:
        """Return the answer to a connection that is refused."""
        return refusal(self.plan, _CONNECT)

    async def answered(self, connection: Connection, message: WSMessage) -> bool:
        """Take a client's message that a fault keeps from the usual answer; say if one did."""
        if self.streams.mute(connection):
            return True
        if message.type is not WSMsgType.TEXT:
            return False
        if self.streams.silent(connection):
            return True
        text = self.streams.refusal(connection, message.data)
        if text is not None:
            connection.say([text])
        return text is not None

    def _strike(
        self, fault: Fault, audience: Audience, tapes: Mapping[str, NumberedTape], now_us: int
    ) -> None:
        connections = audience.connections
        self.streams.enter(fault, connections)
        name = fault.kind.name
        if name == "ids_again":
            for symbol, tape in tapes.items():
                if fault.market in (None, symbol):
                    fault.struck += tape.begin_again(now_us)
        elif name == "cut":
            for connection in connections:
                audience.cut(connection)
        elif name == "huge":
            self.streams.huge(connections)
        elif name in ("close", "server_shutdown"):
            if name == "server_shutdown":
                audience.announce_shutdown(now_us)
            for connection in connections:
                audience.remove(connection)
            task = asyncio.get_running_loop().create_task(closed(connections))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        else:
            return
        if name != "ids_again":
            fault.struck += len(connections)
        self.plan.end(name)
