"""What an API says while it is watched: how long each prediction took, once; counters."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

from marketstream.symbols import url_symbol
from realtime_bench.figures import percentile

LATENCY = "from the receipt of what closed the candle to being readable at the API"
_ASK_EVERY_S = 0.25  # each market
_LEAST_PAUSE_S = 0.005  # between two questions: of very many markets each is asked less often
_US_PER_MS = 1_000

type Get = Callable[[str], Any | None]
"""Returns a page of the API, read where it is JSON; None where there is none."""


@dataclass(slots=True)
class Seen:
    """Latencies of what was served, each prediction once."""

    closed_us: dict[str, int] = field(default_factory=dict)
    previews_us: dict[tuple[str, int], int] = field(default_factory=dict)


def watch(get: Get, symbols: Sequence[str], seconds: float) -> Seen:
    """Ask for predictions, market by market and over again; what was there before does not count.

    Each market is asked four times a second, and all of them together 200 times at most.
    """
    old, seen = Seen(), Seen()
    for symbol in symbols:
        _look(get, symbol, old)
    pause_s = max(_LEAST_PAUSE_S, _ASK_EVERY_S / len(symbols))
    ends_s = time.monotonic() + seconds
    for symbol in cycle(symbols):
        if (now_s := time.monotonic()) >= ends_s:
            break
        _look(get, symbol, seen)
        time.sleep(max(0.0, now_s + pause_s - time.monotonic()))
    for identity in old.closed_us.keys() & seen.closed_us.keys():
        del seen.closed_us[identity]
    return seen


def _look(get: Get, symbol: str, seen: Seen) -> None:
    answer = get(f"/predictions/{url_symbol(symbol)}")
    if isinstance(answer, dict):
        for one in answer["predictions"]:
            seen.closed_us[one["id"]] = one["latency_us"]
        for one in answer.get("previews", []):
            seen.previews_us[one["id"], one["made_at_ms"]] = one["latency_us"]


def add(runs: dict[str, list[float]], name: str, latencies_us: Iterable[int], share: float) -> None:
    """Add a percentile in ms to the values of a figure, where there was anything to see."""
    if values := list(latencies_us):
        runs[name].append(percentile(values, share) / _US_PER_MS)


def total(metrics_page: object, metric: str) -> float:
    """Return a counter summed over its labels."""
    found = re.findall(rf"^{metric}(?:{{.*}})? (\S+)$", str(metrics_page), re.MULTILINE)
    return sum(map(float, found))


def labels_above_zero(metrics_page: object, metric: str) -> int:
    """Return how many labels of a counter have counted anything."""
    found = re.findall(rf"^{metric}{{.*}} (\S+)$", str(metrics_page), re.MULTILINE)
    return sum(float(value) > 0 for value in found)
