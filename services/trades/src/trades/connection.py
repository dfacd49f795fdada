"""One WebSocket connection to an exchange: the only module with a socket for market data."""

from __future__ import annotations

import asyncio
import contextlib
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from picows import (
    WSCloseCode,
    WSError,
    WSFrame,
    WSHandshakeError,
    WSInvalidURL,
    WSListener,
    WSMsgType,
    WSTransport,
    ws_connect,
)

from exchanges.limits import seconds_of
from marketstream.errors import NetworkError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

_TEXT = WSMsgType.TEXT  # a look into an enum takes as long as all that is done with a frame
_CONNECT_TIMEOUT_S = 10.0
_MOST_BYTES = 16 << 20  # of a message: who sends more sends nothing that we asked for
_TOO_MANY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.IM_A_TEAPOT)
_LOCATION_RETRY_S = 5.0  # where they serve nobody here
_REFUSED_RETRY_S = 30.0  # where they say that it was too many, and not how long that lasts


class ConnectionLostError(NetworkError):
    """The connection is lost or was not to be had; whoever gets the messages may fail otherwise.

    `retry_after_s` is how long there is no use in trying again.
    """

    def __init__(self, text: str, retry_after_s: float = 0.0) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class LocationRefusedError(ConnectionLostError):
    """A server refuses our location (HTTP 451): another may serve it."""


class Inbox:
    """The frames of one or two connections, after their receive times, until someone reads them."""

    def __init__(self) -> None:
        self._frames: list[tuple[int, bytes]] = []
        self._wake = asyncio.Event()

    def put(self, frame: bytes, received_ns: int) -> None:
        """Take in a frame."""
        frames = self._frames
        frames.append((received_ns, frame))
        if len(frames) == 1:  # of the others the reader knows already
            self._wake.set()

    def wake(self) -> None:
        """Have the reader look."""
        self._wake.set()

    async def read(self, timeout_s: float) -> list[tuple[int, bytes]]:
        """Return what has come in; wait for it up to `timeout_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        self._wake.clear()
        frames, self._frames = self._frames, []
        return frames


class Connection(WSListener):
    """Puts the frames of a socket into an inbox, with their receive times.

    Everything that can fail happens in the reader, so that an error of it ends the feed and not
    only a callback. `lost` says why the connection ended, `answered` is set once any frame came. A
    ping or pong proves that the line is up, and nothing else.
    """

    def __init__(self, inbox: Inbox, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._inbox = inbox
        self._put = inbox.put
        self._fragments: list[bytes] = []
        self._fragments_bytes = 0
        self._transport: WSTransport | None = None
        self._requests: list[asyncio.TimerHandle] = []
        self._ending: asyncio.Future[None] | None = None
        self.lost: str | None = None
        self.answered = asyncio.Event()
        self._has_answered = False
        self.last_life_s = time.monotonic()

    async def open(self, url: str) -> None:
        """Connect; raises ConnectionLostError, or SettingsError where the URL can't be used."""
        self._transport = await _connect(url, self)
        self.last_life_s = time.monotonic()

    def ask(self, requests: list[bytes], interval_s: float) -> None:
        """Send requests, so many seconds apart."""
        loop = asyncio.get_running_loop()
        self._requests = [
            loop.call_later(position * interval_s, self.send, request)
            for position, request in enumerate(requests)
        ]

    def send(self, text: bytes) -> None:
        """Send a text frame."""
        if self._transport is not None and not self._transport.is_disconnected:
            self._transport.send(WSMsgType.TEXT, text)

    def ping(self) -> None:
        """Ask for a sign of life."""
        if self._transport is not None and not self._transport.is_disconnected:
            self._transport.send_ping()

    async def close(self) -> None:
        """Close the socket."""
        for request in self._requests:
            request.cancel()
        if self._transport is not None:
            await _close(self._transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take in a frame; pings are answered at once."""
        kind = frame.msg_type
        if kind is _TEXT and frame.fin and not self._fragments:  # most are
            self.last_life_s = time.monotonic()
            if not self._has_answered:
                self._has_answered = True
                self.answered.set()
            self._put(frame.get_payload_as_bytes(), self._clock())
            return
        self.last_life_s = time.monotonic()
        if kind is WSMsgType.PONG:
            return
        if kind is WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
        elif kind is WSMsgType.CLOSE:
            text = frame.get_close_reason()
            self.lost = f"closed by the exchange ({text or frame.get_close_code().name})"
            self._inbox.wake()
        elif frame.fin and not self._fragments:
            self._take(frame.get_payload_as_bytes())
        else:
            self._fragments.append(frame.get_payload_as_bytes())
            self._fragments_bytes += len(self._fragments[-1])
            if self._fragments_bytes > _MOST_BYTES:
                self.lost = f"a message of more than {_MOST_BYTES >> 20} MB"
                self._fragments.clear()
                self._inbox.wake()
                transport.disconnect(graceful=False)
            elif frame.fin:
                self._take(b"".join(self._fragments))
                self._fragments.clear()
                self._fragments_bytes = 0

    def _take(self, frame: bytes) -> None:
        self.answered.set()
        self._put(frame, self._clock())

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Note that the socket is closed."""
        if self.lost is None:
            self.lost = "the connection was cut"
        self._ending = asyncio.ensure_future(_ended(transport))  # else nobody may hear of its error
        self._inbox.wake()


async def _connect(url: str, connection: Connection) -> WSTransport:
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            transport, _ = await ws_connect(
                lambda: connection, url, enable_auto_pong=False, max_frame_size=_MOST_BYTES
            )
    except (WSInvalidURL, ValueError) as error:
        raise SettingsError(f"{url!r} is not a WebSocket URL: {error}") from error
    except WSHandshakeError as error:
        status = None if error.response is None else error.response.status
        if status == HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS:
            raise LocationRefusedError(
                f"{url} refuses this location (HTTP 451): set EXCHANGE_WS_URL and "
                "EXCHANGE_REST_URL to a server that serves it, such as a simulator",
                _LOCATION_RETRY_S,
            ) from error
        raise ConnectionLostError(
            f"{url} did not open a WebSocket: {error}", _retry_after_s(error)
        ) from error
    except TimeoutError as error:
        raise ConnectionLostError(
            f"{url} did not answer within {_CONNECT_TIMEOUT_S:g} s"
        ) from error
    except (OSError, WSError) as error:
        raise ConnectionLostError(f"{url} cannot be reached: {error}") from error
    return transport


def _retry_after_s(error: WSHandshakeError) -> float:
    """Return how long a server that was asked too often wants to be left alone."""
    answer = error.response
    if answer is None or answer.status not in _TOO_MANY:
        return 0.0
    return seconds_of(answer.headers.get("Retry-After"), otherwise=_REFUSED_RETRY_S)


async def _close(transport: WSTransport) -> None:
    if not transport.is_disconnected and not transport.is_close_frame_sent:
        transport.send_close(WSCloseCode.OK)
    # Not gracefully: the peer may be long gone, and nothing we could still send matters.
    transport.disconnect(graceful=False)
    await _ended(transport)


async def _ended(transport: WSTransport) -> None:
    with contextlib.suppress(WSError):  # a protocol error was the reason already
        await transport.wait_disconnected()
