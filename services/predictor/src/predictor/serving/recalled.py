"""What was published before a stop, as the topics have it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from marketstream.ports import Ports
from marketstream.topics import Topic

_READ_AGAIN_S = 5.0


class Recalled[Said]:
    """The newest of a topic by market, read anew for the first of markets that begin together.

    They go back `span_ms` of the market's time at least.
    """

    def __init__(self, ports: Ports, topic: Topic, markets: Sequence[str], span_ms: int) -> None:
        self._ports = ports
        self._topic = topic
        self._markets = markets
        self._span_ms = span_ms
        self._recent: Mapping[str, Sequence[Any]] = {}
        self._recent_s = float("-inf")

    def of(self, market: str) -> Sequence[Said]:
        """Return the newest of a market, in order."""
        if time.monotonic() - self._recent_s > _READ_AGAIN_S:
            self._recent = self._ports.tail(self._topic, self._markets, self._is_enough)
            self._recent_s = time.monotonic()
        return self._recent.get(market, ())

    def _is_enough(self, tail: Sequence[Any]) -> bool:
        return bool(tail) and tail[-1].close_time_ms - tail[0].close_time_ms >= self._span_ms
