"""One client of the market streams: its socket, its side of the protocol, and if it still lives."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Sequence

from aiohttp import web

from exchange_simulator.serving.port import Session

_TEXT = 0x81  # a whole text message in one frame


class Connection:
    """One client; `active_s` is when either side last said something, by the monotonic clock."""

    def __init__(
        self,
        ws: web.WebSocketResponse,
        transport: asyncio.Transport,
        session: Session,
    ) -> None:
        self.ws = ws
        self.transport = transport
        self.session = session
        self.answered_s = time.monotonic()
        self.active_s = self.answered_s
        self._pinged: bytes | None = None

    @property
    def backlog(self) -> int:
        """The bytes that wait for the client to read."""
        return 0 if self.transport.is_closing() else self.transport.get_write_buffer_size()

    def send(self, messages: bytes) -> None:
        """Send WebSocket messages as they are, past aiohttp: many at once, the same for all."""
        if not self.transport.is_closing():
            self.transport.write(messages)
            self.active_s = time.monotonic()

    def say(self, texts: Sequence[str]) -> None:
        """Send a message for each text."""
        if texts:
            self.send(b"".join(text_message(text.encode()) for text in texts))

    async def ping(self) -> None:
        """Send a ping whose payload is the time."""
        self._pinged = str(time.time_ns() // 1_000_000).encode()
        await self.ws.ping(self._pinged)

    def note_pong(self, payload: bytes) -> None:
        """Take a pong as a sign of life if it copies the last ping; unsolicited ones are not."""
        if payload == self._pinged:
            self.answered_s = time.monotonic()


def text_message(payload: bytes) -> bytes:
    """Return a WebSocket text message from server to client: RFC 6455, section 5.2, no mask."""
    length = len(payload)
    if length < 126:
        return struct.pack("!BB", _TEXT, length) + payload
    if length < 1 << 16:
        return struct.pack("!BBH", _TEXT, 126, length) + payload
    return struct.pack("!BBQ", _TEXT, 127, length) + payload
