"""The exchanges we can listen to, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from exchanges.binance.stream import Binance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exchanges.events import Event


class Exchange(Protocol):
    """What the feed and the replay need to know about an exchange; there is no socket in it."""

    name: str
    markets: tuple[str, ...]
    request_interval_s: float

    def __init__(self, symbols: Sequence[str], venue: str | None = None) -> None:
        """Follow these symbols; `venue` names a server that only speaks as the exchange does."""
        ...

    def stream_url(self, ws_url: str) -> str:
        """Return the URL to connect to; raises SettingsError where `ws_url` is no WebSocket URL."""
        ...

    def subscribe_frames(self) -> list[bytes]:
        """Return the frames to send once connected, `request_interval_s` apart."""
        ...

    def parse(self, frame: bytes) -> Event:
        """Return what a frame says; raises BadMessage where it makes no sense."""
        ...


ADAPTERS: dict[str, type[Exchange]] = {"binance": Binance}
