"""One connection to an exchange, kept alive: the only module with a socket for market data."""

from __future__ import annotations

import asyncio
import contextlib
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from loguru import logger
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

from marketstream.errors import NetworkError, SettingsError
from trades.backoff import Backoff
from trades.intake import Counts, Intake, Publish, PublishDeadLetter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exchanges.venue import Stream
    from trades.batching import TradesBatcher

_CONNECT_TIMEOUT_S = 10.0
_STABLE_S = 60.0
_PROBE_S = 1.0  # a ping of our own after so long without a sign of life
_ALIVE_S = 3.0  # after so long without one, silence no longer means that nothing traded


class Feed:
    """Follow an exchange for several markets and publish what it says, for as long as it goes on.

    `answered` is set while connected, once the exchange has said anything, its answer to the
    subscription first. `lost` is called whenever the connection is lost or was not to be had.
    `silence_s` is how long to wait for a frame or ping of the exchange before connecting anew, and
    `heartbeat_s` how often to say how far time is seen. `clock` gives receive times in ns.
    """

    def __init__(
        self,
        exchange: Stream,
        batchers: Mapping[str, TradesBatcher],
        *,
        ws_url: str,
        publish: Publish,
        publish_dead_letter: PublishDeadLetter,
        lost: Callable[[], None] = lambda: None,
        silence_s: float = 30.0,
        heartbeat_s: float = 0.25,
        clock: Callable[[], int] = time.time_ns,
        backoff: Backoff | None = None,
    ) -> None:
        self._exchange = exchange
        self._url = exchange.stream_url(ws_url)
        self._intake = Intake(exchange, batchers, publish, publish_dead_letter)
        self._lost = lost
        self._silence_s = silence_s
        self._heartbeat_s = heartbeat_s
        self._clock = clock
        self._backoff = Backoff() if backoff is None else backoff
        self._reconnects = 0
        self.answered = asyncio.Event()
        self.connected = False
        self.ended = False

    @property
    def counts(self) -> Counts:
        """What has come in so far."""
        return self._intake.counts(self._reconnects)

    async def run(self) -> None:
        """Connect, subscribe, publish; do it again when the connection is lost, until cancelled.

        Returns where a recording has ended, of which there is no more; `ended` is set then.
        Raises SettingsError where the URL cannot be used, and whatever `publish` raises.
        """
        while not self.ended:
            started_s = time.monotonic()
            try:
                await self._follow()
            except _ConnectionLostError as error:
                self.answered.clear()
                self._lost()
                if time.monotonic() - started_s >= _STABLE_S:
                    self._backoff.reset()
                retry_in_s = self._backoff.next_s()
                if isinstance(error, _LocationRefusedError):
                    retry_in_s = self._backoff.longest_s
                logger.warning(
                    "Connection lost",
                    exchange=self._exchange.name,
                    reason=str(error),
                    retry_in_s=round(retry_in_s, 2),
                )
                await asyncio.sleep(retry_in_s)
                self._reconnects += 1

    async def _follow(self) -> None:
        """Follow one connection to a recording's end; _ConnectionLostError where it is lost."""
        connection = _Connection(self._clock)
        transport = await _connect(self._url, connection)
        loop = asyncio.get_running_loop()
        requests = [
            loop.call_later(
                position * self._exchange.request_interval_s,
                transport.send,
                WSMsgType.TEXT,
                request,
            )
            for position, request in enumerate(self._exchange.subscribe_frames())
        ]
        logger.info("Connected", exchange=self._exchange.name, url=self._url)
        self.connected = True
        try:
            await self._pump(connection, transport)
        finally:
            self.connected = False
            for request in requests:
                request.cancel()
            await _close(transport)

    async def _pump(self, connection: _Connection, transport: WSTransport) -> None:
        heartbeat_due_s = probe_due_s = time.monotonic()
        while True:
            frames = await connection.read(heartbeat_due_s - time.monotonic())
            if frames:
                self.answered.set()
            for frame, received_ns in frames:
                notice = self._intake.handle(frame, received_ns)
                if notice is not None and notice.kind == "ended":
                    self._intake.flush()
                    self._intake.heartbeat(received_ns)
                    self.ended = True
                    return
                if notice is not None:
                    self._intake.flush()
                    raise _ConnectionLostError(notice.text)
            self._intake.flush()
            if connection.lost is not None:
                raise _ConnectionLostError(connection.lost)
            now_s = time.monotonic()
            if now_s - connection.last_frame_s > self._silence_s:
                raise _ConnectionLostError(f"no frame for {self._silence_s:g} s")
            idle_s = now_s - connection.last_life_s
            if idle_s > _PROBE_S and now_s >= probe_due_s:
                transport.send_ping()
                probe_due_s = now_s + idle_s  # ever more seldom: who is stalled reads all at once
            if now_s >= heartbeat_due_s:
                heartbeat_due_s = now_s + self._heartbeat_s
                if idle_s < _ALIVE_S:
                    self._intake.heartbeat(self._clock())


class _ConnectionLostError(NetworkError):
    """The connection is lost or was not to be had; whoever gets the messages may fail otherwise."""


class _LocationRefusedError(_ConnectionLostError):
    """The exchange serves nobody where we are: there is no use in hurrying."""


class _Connection(WSListener):
    """Collect the frames of a socket, with their receive times, until someone reads them.

    Everything that can fail happens in the reader, so that an error of it ends the feed and not
    only a callback. `lost` says why the connection ended. A pong proves that the connection lives,
    but not that the exchange still sends: it counts for `last_life_s` only.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._frames: list[tuple[bytes, int]] = []
        self._fragments: list[bytes] = []
        self._wake = asyncio.Event()
        self.lost: str | None = None
        self.last_frame_s = self.last_life_s = time.monotonic()

    async def read(self, timeout_s: float) -> list[tuple[bytes, int]]:
        """Return what has come in; wait for it up to `timeout_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        self._wake.clear()
        frames, self._frames = self._frames, []
        return frames

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        self.last_life_s = time.monotonic()
        kind = frame.msg_type
        if kind is WSMsgType.PONG:
            return
        self.last_frame_s = self.last_life_s
        if kind is WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
        elif kind is WSMsgType.CLOSE:
            text = frame.get_close_reason()
            self.lost = f"closed by the exchange ({text or frame.get_close_code().name})"
            self._wake.set()
        elif frame.fin and not self._fragments:
            self._frames.append((frame.get_payload_as_bytes(), self._clock()))
            self._wake.set()
        else:
            self._fragments.append(frame.get_payload_as_bytes())
            if frame.fin:
                self._frames.append((b"".join(self._fragments), self._clock()))
                self._fragments.clear()
                self._wake.set()

    def on_ws_disconnected(self, transport: WSTransport) -> None:  # noqa: ARG002
        if self.lost is None:
            self.lost = "the connection was cut"
        self._wake.set()


async def _connect(url: str, connection: _Connection) -> WSTransport:
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            transport, _ = await ws_connect(lambda: connection, url, enable_auto_pong=False)
    except (WSInvalidURL, ValueError) as error:
        raise SettingsError(f"{url!r} is not a WebSocket URL: {error}") from error
    except WSHandshakeError as error:
        status = None if error.response is None else error.response.status
        if status == HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS:
            raise _LocationRefusedError(
                f"{url} refuses this location (HTTP 451): set EXCHANGE_WS_URL and "
                "EXCHANGE_REST_URL to a server that serves it, such as a simulator"
            ) from error
        raise _ConnectionLostError(f"{url} did not open a WebSocket: {error}") from error
    except TimeoutError as error:
        raise _ConnectionLostError(
            f"{url} did not answer within {_CONNECT_TIMEOUT_S:g} s"
        ) from error
    except (OSError, WSError) as error:
        raise _ConnectionLostError(f"{url} cannot be reached: {error}") from error
    return transport


async def _close(transport: WSTransport) -> None:
    if not transport.is_disconnected and not transport.is_close_frame_sent:
        transport.send_close(WSCloseCode.OK)
    # Not gracefully: the peer may be long gone, and nothing we could still send matters.
    transport.disconnect(graceful=False)
    with contextlib.suppress(WSError):  # a protocol error was the reason already
        await transport.wait_disconnected()
