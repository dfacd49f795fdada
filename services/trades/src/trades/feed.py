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
from trades.intake import Counts, Intake, PublishDeadLetter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exchanges.venue import Stream
    from trades.session.market import MarketSession

_CONNECT_TIMEOUT_S = 10.0
_STABLE_S = 10.0
_PROBE_S = 1.0  # a ping of our own after so long without a sign of life
_ALIVE_S = 3.0  # after so long without one, silence no longer means that nothing traded
_ANSWER_S = 5.0  # to the subscription
_MOST_BYTES = 16 << 20  # of a message: who sends more sends nothing that we asked for
_LONGEST_RETRY_S = 5.0  # exchanges allow one attempt a second
_TOO_MANY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.IM_A_TEAPOT)
_REFUSED_RETRY_S = 30.0  # where they say that it was too many, and not how long that lasts


class Feed:
    """Follow an exchange for several markets, for as long as it goes on, and tell their sessions.

    They hear what the exchange says, when it answers, when the connection is lost, and the time
    every `heartbeat_s`. `silence_s` is how long to wait for a sign of life before connecting anew:
    that a market is silent is for its session to judge. `clock` gives receive times in ns. `tap`
    gets each frame, and when it came, before they do.
    """

    def __init__(
        self,
        exchange: Stream,
        sessions: Mapping[str, MarketSession],
        *,
        ws_url: str,
        publish_dead_letter: PublishDeadLetter,
        silence_s: float = 10.0,
        heartbeat_s: float = 0.25,
        clock: Callable[[], int] = time.time_ns,
        backoff: Backoff | None = None,
        tap: Callable[[bytes, int], None] | None = None,
    ) -> None:
        self._exchange = exchange
        self._tap = tap
        self._url = exchange.stream_url(ws_url)
        self._sessions = sessions
        self._intake = Intake(exchange, sessions, publish_dead_letter)
        self._silence_s = silence_s
        self._heartbeat_s = heartbeat_s
        self._clock = clock
        self._backoff = backoff or Backoff(first_s=0.25, longest_s=_LONGEST_RETRY_S)
        self._reconnects = 0
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
        ticking = asyncio.create_task(self._tick_apart())
        try:
            while not self.ended:
                started_s = time.monotonic()
                try:
                    await self._follow()
                except _ConnectionLostError as error:
                    await self._lost(error, time.monotonic() - started_s)
        finally:
            ticking.cancel()

    async def _lost(self, error: _ConnectionLostError, lived_s: float) -> None:
        """Tell the sessions of the loss, and wait until another attempt makes sense."""
        for session in self._sessions.values():
            session.lost(self._clock() // 1_000)
        if lived_s >= _STABLE_S:
            self._backoff.reset()
        retry_in_s = max(self._backoff.next_s(), error.retry_after_s)
        logger.warning(
            "Connection lost",
            exchange=self._exchange.name,
            reason=str(error),
            retry_in_s=round(retry_in_s, 2),
        )
        await asyncio.sleep(retry_in_s)
        self._reconnects += 1

    async def _tick_apart(self) -> None:
        """Tell the sessions the time while there is no connection whose frames come first."""
        while True:
            await asyncio.sleep(self._heartbeat_s)
            if not self.connected:
                self._tick(alive=False)

    def _tick(self, *, alive: bool) -> None:
        now_us = self._clock() // 1_000
        for session in self._sessions.values():
            session.tick(now_us, alive=alive)

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
        answer_due_s = heartbeat_due_s + _ANSWER_S
        has_answered = False
        while True:
            frames = await connection.read(heartbeat_due_s - time.monotonic())
            if frames and not has_answered:
                has_answered = True
                for session in self._sessions.values():
                    session.connected(frames[0][1] // 1_000)
            for frame, received_ns in frames:
                if self._tap is not None:
                    self._tap(frame, received_ns)
                notice = self._intake.handle(frame, received_ns)
                if notice is not None and notice.kind == "ended":
                    self._intake.flush()
                    self._tick(alive=True)
                    self.ended = True
                    return
                if notice is not None:
                    self._intake.flush()
                    raise _ConnectionLostError(notice.text)
            self._intake.flush()
            self._raise_if_lost(connection)
            now_s = time.monotonic()
            if not has_answered and now_s > answer_due_s:
                raise _ConnectionLostError("the subscription is not answered")
            idle_s = now_s - connection.last_life_s
            if idle_s > _PROBE_S and now_s >= probe_due_s:
                transport.send_ping()
                probe_due_s = now_s + idle_s  # ever more seldom: who is stalled reads all at once
            if now_s >= heartbeat_due_s:
                heartbeat_due_s = now_s + self._heartbeat_s
                self._tick(alive=idle_s < _ALIVE_S)

    def _raise_if_lost(self, connection: _Connection) -> None:
        """Raise _ConnectionLostError where the connection has ended, or is worth nothing."""
        if connection.lost is not None:
            raise _ConnectionLostError(connection.lost)
        if time.monotonic() - connection.last_life_s > self._silence_s:
            raise _ConnectionLostError(f"no sign of life for {self._silence_s:g} s")
        for session in self._sessions.values():
            if session.drop is not None:
                raise _ConnectionLostError(session.drop)


class _ConnectionLostError(NetworkError):
    """The connection is lost or was not to be had; whoever gets the messages may fail otherwise.

    `retry_after_s` is how long there is no use in trying again.
    """

    def __init__(self, text: str, retry_after_s: float = 0.0) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class _Connection(WSListener):
    """Collect the frames of a socket, with their receive times, until someone reads them.

    Everything that can fail happens in the reader, so that an error of it ends the feed and not
    only a callback. `lost` says why the connection ended. A ping or pong proves that the line is
    up, and nothing else.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._frames: list[tuple[bytes, int]] = []
        self._fragments: list[bytes] = []
        self._fragments_bytes = 0
        self._wake = asyncio.Event()
        self.lost: str | None = None
        self.last_life_s = time.monotonic()

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
            self._fragments_bytes += len(self._fragments[-1])
            if self._fragments_bytes > _MOST_BYTES:
                self.lost = f"a message of more than {_MOST_BYTES >> 20} MB"
                self._fragments.clear()
                self._wake.set()
                transport.disconnect(graceful=False)
            elif frame.fin:
                self._frames.append((b"".join(self._fragments), self._clock()))
                self._fragments.clear()
                self._fragments_bytes = 0
                self._wake.set()

    def on_ws_disconnected(self, transport: WSTransport) -> None:  # noqa: ARG002
        if self.lost is None:
            self.lost = "the connection was cut"
        self._wake.set()


async def _connect(url: str, connection: _Connection) -> WSTransport:
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
            raise _ConnectionLostError(
                f"{url} refuses this location (HTTP 451): set EXCHANGE_WS_URL and "
                "EXCHANGE_REST_URL to a server that serves it, such as a simulator",
                _LONGEST_RETRY_S,
            ) from error
        raise _ConnectionLostError(
            f"{url} did not open a WebSocket: {error}", _retry_after_s(error)
        ) from error
    except TimeoutError as error:
        raise _ConnectionLostError(
            f"{url} did not answer within {_CONNECT_TIMEOUT_S:g} s"
        ) from error
    except (OSError, WSError) as error:
        raise _ConnectionLostError(f"{url} cannot be reached: {error}") from error
    return transport


def _retry_after_s(error: WSHandshakeError) -> float:
    """Return how long a server that was asked too often wants to be left alone."""
    answer = error.response
    if answer is None or answer.status not in _TOO_MANY:
        return 0.0
    said = answer.headers.get("Retry-After", "")
    return float(said) if said.isdecimal() else _REFUSED_RETRY_S


async def _close(transport: WSTransport) -> None:
    if not transport.is_disconnected and not transport.is_close_frame_sent:
        transport.send_close(WSCloseCode.OK)
    # Not gracefully: the peer may be long gone, and nothing we could still send matters.
    transport.disconnect(graceful=False)
    with contextlib.suppress(WSError):  # a protocol error was the reason already
        await transport.wait_disconnected()
