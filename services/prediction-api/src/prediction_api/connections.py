"""HTTP/1.1 for clients that have to say in time, and in few words, what they want."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from prediction_api.delivery import CONNECTION
from prediction_api.quick_answers import HEAD, QuickAnswers, is_plain

_PATIENCE_S = 10.0
_UNREAD_S = 60.0
_LEAST_READ = 65_536  # bytes, or all that there is, within that time


class Crowd:
    """How many connections there may be at once; one too many ends the oldest that still waits."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.waiting: dict[Connection, None] = {}  # for a request, the oldest first

    def oldest(self) -> Connection | None:
        """Return who has waited for the longest, and is owed nothing."""
        return next((each for each in self.waiting if not each.is_owed()), None)


class Connection(H11Protocol):
    """A connection that is closed where a request takes longer than 10 s to come in.

    Uvicorn waits for ever, so that a thousand clients who send a byte a minute would take all
    sockets (Slowloris); those who read none of what waits for them for a minute are as bad. How
    long an answer takes, or a stream lasts, does not matter. What was answered before is answered
    by `quick`, without h11 or the app.
    """

    quick: QuickAnswers
    crowd: Crowd

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._giving_up: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._writable: Callable[[], None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        if len(self.connections) > self.crowd.most:
            oldest = self.crowd.oldest()
            if oldest is None:
                self.transport.abort()
                return
            oldest.transport.abort()
            oldest.wait_no_more()
        self._hurry()

    def data_received(self, data: bytes) -> None:
        """Answer at once what is known; wait on where a request has come in part."""
        is_whole = self._is_idle() and is_plain(data)
        if is_whole and self._answer(data):
            return
        super().data_received(data)
        if is_whole and self.conn.their_state is h11.DONE and not self.conn.trailing_data[0]:
            # Its task has not begun. Nothing else is asked here, so chunks may be written at once.
            self.scope[HEAD] = data  # type: ignore[literal-required]
            self.scope[CONNECTION] = self  # type: ignore[literal-required]
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._hurry()
        else:
            self.wait_no_more()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self.wait_no_more()
        self._forget_unread()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Leave it to who speaks that, and who asks by pings whether somebody reads."""
        self._forget_unread()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        """Wait for the next request, which may be long in coming, or never come."""
        super().on_response_complete()
        self._rest()

    def pause_writing(self) -> None:
        """Write nothing more for now, and give up who does not read."""
        super().pause_writing()
        self._expect_reading()

    def write_chunk(self, chunk: bytes) -> None:
        """Write a chunk of an answer that has begun (RFC 9112, 7.1)."""
        if not self.transport.is_closing():
            self.transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))

    def is_full(self) -> bool:
        """Say whether more waits to be taken by the client than should."""
        return self.flow.write_paused

    def tell_writable(self, told: Callable[[], None]) -> None:
        """Call `told` whenever it is no longer full."""
        self._writable = told

    def abort(self) -> None:
        """Close it, whatever waits."""
        self.transport.abort()

    def resume_writing(self) -> None:
        """Go on writing."""
        super().resume_writing()
        self._forget_unread()
        if self._writable is not None:
            self._writable()

    def _is_idle(self) -> bool:
        """Say whether the next byte begins a request, to be answered at once."""
        states = self.conn.their_state, self.conn.our_state
        return (
            states == (h11.IDLE, h11.IDLE)
            and not self.conn.trailing_data[0]
            and not self.flow.write_paused
        )

    def _answer(self, head: bytes) -> bool:
        answer = self.quick.answer(head, self.client, self.server_state.default_headers)
        if answer is None:
            return False
        self.wait_no_more()
        self._unset_keepalive_if_required()
        self.transport.write(answer)
        self.server_state.total_requests += 1
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )
        self._rest()
        return True

    def is_owed(self) -> bool:
        """Say whether something waits to be taken by the client."""
        return self.transport.get_write_buffer_size() > 0

    def _rest(self) -> None:
        """Be one of those that wait for a request, once one was answered."""
        if self.is_owed() and not self.flow.write_paused:
            self._expect_reading()  # for a connection that closes waits for it too
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.crowd.waiting[self] = None

    def _expect_reading(self) -> None:
        self._forget_unread()
        owed = self.transport.get_write_buffer_size()
        self._unread = self.loop.call_later(_UNREAD_S, self._has_read, owed)

    def _has_read(self, owed: int) -> None:
        left = self.transport.get_write_buffer_size()
        if not left or not (self.flow.write_paused or self.transport.is_closing()):
            return
        if left > owed - _LEAST_READ:
            self.transport.abort()
        else:
            self._expect_reading()

    def _forget_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _hurry(self) -> None:
        if self._giving_up is None:
            self.crowd.waiting[self] = None
            self._giving_up = self.loop.call_later(_PATIENCE_S, self.transport.abort)

    def wait_no_more(self) -> None:
        """Let it take as long as it likes."""
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None
        self.crowd.waiting.pop(self, None)


def connections(quick: QuickAnswers, most: int) -> type[Connection]:
    """Return what serves a server's connections: so many at most, with what is known."""
    return type("OneOfMany", (Connection,), {"quick": quick, "crowd": Crowd(most)})
