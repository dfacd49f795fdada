"""Drives all stages in one process: every message runs through to the end before the next one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from marketstream.messages import Message
from marketstream.operator import Operator
from marketstream.stage import Stage
from marketstream.topics import ALL_TOPICS, Topic

type Tap = Callable[[Any, int], None]
"""Told of a message, and when (ns) the edge received what it follows from."""


class InProcessRunner:
    """Wires stages by their topics and tells taps of what passes.

    A tap on a topic is called after the stages that read it have seen the message and everything
    that follows from it: by then no prediction waits for a tap's work.
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        self._stages: dict[type, list[Stage]] = defaultdict(list)
        for stage in stages:
            self._stages[stage.reads.message].append(stage)
        self._operators: dict[tuple[str, str], Operator[Any, Any]] = {}
        self._taps: dict[type, list[Tap]] = {topic.message: [] for topic in ALL_TOPICS}

    def tap(self, topic: Topic, tap: Tap) -> None:
        """Have `tap` told of every message of a topic, in order."""
        self._taps[topic.message].append(tap)

    def operator(self, stage: str, market: str) -> Operator[Any, Any]:
        """Return the operator of a stage for a market, made on first use."""
        key = (stage, market)
        operator = self._operators.get(key)
        if operator is None:
            maker = next(s for stages in self._stages.values() for s in stages if s.name == stage)
            operator = self._operators[key] = maker.make_operator(market)
        return operator

    def publish(self, message: Message, received_ns: int = 0) -> None:
        """Run one message, and all that follows from it, through the stages."""
        kind = type(message)
        for stage in self._stages.get(kind, ()):
            operator = self.operator(stage.name, message.market)  # type: ignore[union-attr]
            for following in operator.update(message):
                self.publish(following, received_ns)
        for tap in self._taps[kind]:
            tap(message, received_ns)
