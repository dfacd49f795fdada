"""A WebSocket server that says what it was given, once somebody asks, as fast as it is read."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import sys
from collections.abc import Iterable
from pathlib import Path

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_BLOCK_BYTES = 1 << 18
_SMALL, _MEDIUM = 126, 1 << 16


def wire_bytes(frames: Iterable[bytes]) -> bytes:
    """Return frames as a server sends them: text, unmasked (RFC 6455, section 5.2)."""
    return b"".join(_head(len(frame)) + frame for frame in frames)


def _head(length: int) -> bytes:
    if length < _SMALL:
        return bytes((0x81, length))
    if length < _MEDIUM:
        return b"\x81\x7e" + length.to_bytes(2)
    return b"\x81\x7f" + length.to_bytes(8)


async def serve(said: bytes) -> None:
    """Listen on a free port, print it, and say this to each who asks."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        key = re.search(rb"(?i)sec-websocket-key:\s*(\S+)", request)
        if key is None:
            writer.close()
            return
        accept = base64.b64encode(hashlib.sha1(key[1] + _MAGIC, usedforsecurity=False).digest())
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        await reader.read(1)  # a subscription: what it asks for is all that there is
        view = memoryview(said)
        for start in range(0, len(view), _BLOCK_BYTES):
            writer.write(view[start : start + _BLOCK_BYTES])
            await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]).read_bytes()))
