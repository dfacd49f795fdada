"""What one process keeps of what passes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from marketstream.messages import Candle
from marketstream.metrics import Metrics
from marketstream.ports import Part
from marketstream.runners.embedded import InProcessPorts
from marketstream.runners.testing import NOW_US
from marketstream.store.sql import open_store
from marketstream.topics import KEPT_TOPICS

NOW_MS = NOW_US // 1_000_000 * 1_000


def candle(market: str, close_ms: int) -> Candle:
    return Candle(
        market, "1s", close_ms - 1_000, close_ms, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1, 0.0, 0.0
    )


def test_what_comes_from_the_store_is_heard_and_not_kept_again(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'realtime.sqlite'}")
    ports = InProcessPorts(Metrics(CollectorRegistry()), lambda: NOW_US * 1_000, tmp_path, store)
    kept: list[Any] = []
    heard: list[Any] = []
    ports.add(Part("keeper", keeps=KEPT_TOPICS, keep=kept.extend))
    ports.listen(KEPT_TOPICS, lambda message, _ns: heard.append(message))
    old, new, other = candle("m", NOW_MS - 1_000), candle("m", NOW_MS), candle("n", NOW_MS)
    with ports.stored("m", old.close_time_ms):
        for each in (old, new, other):
            ports.publish(each)
    ports.publish(old)  # later it may be another writing of it
    ports.close()
    store.close()
    assert heard == [old, new, other, old]
    assert kept == [new, other, old]


def test_what_waits_to_be_kept_is_kept_at_the_end(tmp_path: Path) -> None:
    asked: list[Callable[[], object]] = []
    with closing(open_store(f"sqlite:///{tmp_path / 'realtime.sqlite'}")) as store:
        metrics = Metrics(CollectorRegistry())
        ports = InProcessPorts(metrics, lambda: NOW_US * 1_000, tmp_path, store, later=asked.append)
        kept: list[Any] = []
        ports.add(Part("keeper", keeps=KEPT_TOPICS, keep=kept.extend))
        ports.publish(candle("m", NOW_MS))
        ports.close()
    assert kept == [candle("m", NOW_MS)]
    for tell in asked:
        tell()  # as the loop does that is still to end
