"""What librdkafka says of a consumer now and then: lag, rebalances, which partitions are ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from marketstream.metrics import Metrics


class _Partition(msgspec.Struct):
    partition: int
    fetch_state: str
    hi_offset: int
    app_offset: int


class _Topic(msgspec.Struct):
    partitions: dict[str, _Partition]


class _Group(msgspec.Struct):
    rebalance_cnt: int


class _Report(msgspec.Struct):
    topics: dict[str, _Topic]
    cgrp: _Group | None = None


class Statistics:
    """Turns the reports of one consumer into metrics; `assigned` is told the partitions it has."""

    def __init__(
        self,
        stage: str,
        topics: Sequence[str],
        metrics: Metrics,
        assigned: Callable[[set[int]], None],
    ) -> None:
        self._topics = topics
        self._lag = metrics.consumer_lag
        self._rebalances = metrics.rebalances.labels(stage)
        self._counted = 0
        self._ours: set[tuple[str, int]] = set()
        self._assigned = assigned
        self._decoder = msgspec.json.Decoder(_Report)

    def update(self, report: str) -> None:
        """Read one report."""
        read = self._decoder.decode(report)
        if read.cgrp is not None:
            self._rebalances.inc(read.cgrp.rebalance_cnt - self._counted)
            self._counted = read.cgrp.rebalance_cnt
        ours: set[tuple[str, int]] = set()
        for topic in self._topics:
            for name, reported in read.topics.items():
                if name.endswith(topic):  # Quix Cloud puts the workspace before it
                    for partition in reported.partitions.values():
                        if partition.fetch_state == "active":
                            ours.add((topic, partition.partition))
                            self._tell_lag(topic, partition)
        for gone in self._ours - ours:
            self._lag.remove(*gone)
        self._ours = ours
        self._assigned({partition for _, partition in ours})

    def _tell_lag(self, topic: str, partition: _Partition) -> None:
        if partition.hi_offset >= 0 and partition.app_offset >= 0:
            unread = partition.hi_offset - partition.app_offset
            self._lag.labels(topic, partition.partition).set(unread)
