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


class Crowd:
    """How many connections there may be at once; one too many ends the oldest that still waits."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.waiting: dict[Connection, None] = {}  # for their request, the oldest first


class Connection(H11Protocol):
    """A connection that is closed where a request takes longer than 10 s to come in.

    Uvicorn waits for ever, so that a thousand clients who send a byte a minute would take all
    sockets (Slowloris). How long an answer takes, or a stream lasts, does not matter. What was
    answered before is answered by `quick`, without h11 or the app.
    """

    quick: QuickAnswers
    crowd: Crowd

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._giving_up: asyncio.TimerHandle | None = None
        self._writable: Callable[[], None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        if len(self.connections) > self.crowd.most:
            oldest = next(iter(self.crowd.waiting), self)
            oldest.transport.abort()
            if oldest is self:
                return
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
        super().connection_lost(exc)

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
        return True

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
