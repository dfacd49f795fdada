"""What sessions of venues share whose clients subscribe to channels by messages in JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from exchange_simulator.serving.exchange import Exchange
from exchange_simulator.serving.view import Channel, View


class ChannelSession:
    """The channels that one connection is subscribed to, by name."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.channels: dict[str, Channel] = {}

    def view(self) -> View:
        """Return what is to be sent over it."""
        return View(frozenset(self.channels.values()))

    def greeting(self) -> Sequence[str]:
        """Say nothing to who has just connected."""
        return ()


def request_of(text: str) -> dict[str, Any]:
    """Return a request, empty where a message is no object in JSON."""
    try:
        request = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return request if isinstance(request, dict) else {}


def dump(body: object) -> str:
    """Return JSON without spaces."""
    return json.dumps(body, separators=(",", ":"))
