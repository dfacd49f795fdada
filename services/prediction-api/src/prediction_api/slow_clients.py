"""HTTP/1.1 for clients that have to say in time, and in few words, what they want."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

_PATIENCE_S = 10.0


class HurriedProtocol(H11Protocol):
    """A connection that is closed where a request takes longer than 10 s to come in.

    Uvicorn waits for ever, so that a thousand clients who send a byte a minute would take all
    sockets (Slowloris). How long an answer takes, or a stream lasts, does not matter.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._giving_up: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._hurry()

    def data_received(self, data: bytes) -> None:
        """Wait on where a request has come in part."""
        super().data_received(data)
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._hurry()
        else:
            self._wait_no_more()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def _hurry(self) -> None:
        if self._giving_up is None:
            self._giving_up = self.loop.call_later(_PATIENCE_S, self.transport.abort)

    def _wait_no_more(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None
