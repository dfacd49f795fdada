"""How long each part of the way takes, from the close of a candle to a prediction to be read."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from math import ceil

from marketstream.messages import Prediction
from prediction_api.views.board import Published
from prediction_api.views.wire import Hop, HopName, Latency

_NEWEST = 1_000


class Hops:
    """Keeps the newest predictions' latencies, whole and part by part."""

    def __init__(self) -> None:
        self._whole_us: deque[int] = deque(maxlen=_NEWEST)
        self._parts_us: dict[HopName, deque[int]] = {
            "exchange": deque(maxlen=_NEWEST),
            "prediction": deque(maxlen=_NEWEST),
            "api": deque(maxlen=_NEWEST),
        }

    def passed(self, prediction: Prediction, published: Published) -> None:
        """Note a prediction that became readable."""
        self._whole_us.append(published.latency_us)
        if published.heard_us is not None:
            self._parts_us["exchange"].append(published.heard_us)
        if prediction.latency_us is not None:
            answered_us = min(prediction.latency_us, published.latency_us)
            self._parts_us["prediction"].append(answered_us)
            self._parts_us["api"].append(published.latency_us - answered_us)

    def latency(self) -> Latency | None:
        """Return the median and the 99th percentile of all, None before the first."""
        if not self._whole_us:
            return None
        hops = [Hop(name, *_ranks(part)) for name, part in self._parts_us.items() if part]
        return Latency(*_ranks(self._whole_us), len(self._whole_us), hops)


def _ranks(values: Iterable[int]) -> tuple[int, int]:
    in_order = sorted(values)
    count = len(in_order)
    return in_order[ceil(0.5 * count) - 1], in_order[ceil(0.99 * count) - 1]
