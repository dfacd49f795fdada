"""Drives all stages in one process: every message runs through to the end before the next one."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from typing import Any

from marketstream.errors import BadMessage
from marketstream.messages import Message
from marketstream.operator import Operator
from marketstream.ports import Tap
from marketstream.runners.recovering import Recovering
from marketstream.stage import Stage
from marketstream.topics import ALL_TOPICS, PREDICTIONS, Topic

_KINDS = {topic.name: topic.message for topic in ALL_TOPICS}

type Later = Callable[[Callable[[], None]], object]
"""Has a function called soon, such as an event loop's `call_soon`."""

type Refused = Callable[[Stage, Message, BadMessage], None]
"""Told which stage cannot use a message, and why."""


class InProcessRunner:
    """Wires stages by their topics and tells taps of what passes.

    A tap on a topic is called after the stages that read it have seen the message and everything
    that follows from it. Taps on predictions are called at once, unless they can wait, the others
    by `later` where it is given: by then no prediction, of any market, waits for their work. What
    fails in there is raised by the next `publish`.

    A message that an operator refuses or fails on changes nothing there, and the stream goes on
    without it where `refused` is given; else that is raised.
    """

    def __init__(
        self,
        stages: Sequence[Stage] = (),
        *,
        later: Later | None = None,
        refused: Refused | None = None,
    ) -> None:
        self._stages: dict[type, list[Stage]] = defaultdict(list)
        self._operators: dict[tuple[str, str], Recovering] = {}
        self._taps: dict[type, list[tuple[Tap, bool]]] = {t.message: [] for t in ALL_TOPICS}
        self._later = later
        self._refused = refused
        self._waiting: deque[tuple[Tap, Message, int]] = deque()
        self._asked = False
        self._failure: Exception | None = None
        for stage in stages:
            self.add(stage)

    def add(self, stage: Stage) -> None:
        """Drive one more stage."""
        for topic in stage.reads:
            self._stages[topic.message].append(stage)

    def tap(self, topic: Topic, tap: Tap, *, can_wait: bool = False) -> None:
        """Have `tap` told of every message of a topic, in order, as it was published.

        One that `can_wait` is told of predictions, too, when all else is done.

        Where the topic is asked for with another message, one that decodes less, that is as true.
        """
        kind = _KINDS.get(topic.name, topic.message)
        waits = self._later is not None and (can_wait or kind is not PREDICTIONS.message)
        self._taps[kind].append((tap, waits))

    def operator(self, stage: str, key: str) -> Operator[Any, Any]:
        """Return the operator of a stage for a key, such as a market; made on first use."""
        return self._held(stage, key).operator

    def _held(self, stage: str, key: str) -> Recovering:
        held = self._operators.get((stage, key))
        if held is None:
            maker = next(s for stages in self._stages.values() for s in stages if s.name == stage)
            held = self._operators[stage, key] = Recovering(maker.make_operator(key))
        return held

    def publish(self, message: Message, received_ns: int = 0) -> None:
        """Run one message, and all that follows from it, through the stages."""
        if self._failure is not None:
            raise self._failure
        self._run(message, received_ns)
        if self._waiting and self._later is not None and not self._asked:
            self._asked = True
            self._later(self.tell_waiting)

    def _run(self, message: Message, received_ns: int) -> None:
        kind = type(message)
        for stage in self._stages.get(kind, ()):
            for following in self._fold(stage, message):
                self._run(stage.finish(following, received_ns), received_ns)
        for tap, waits in self._taps[kind]:
            if waits:
                self._waiting.append((tap, message, received_ns))
            else:
                tap(message, received_ns)

    def _fold(self, stage: Stage, message: Message) -> Sequence[Any]:
        held = self._held(stage.name, stage.key(message))
        if self._refused is None:
            return held.operator.update(message)
        try:
            return held.update(message)
        except BadMessage as error:
            self._refused(stage, message, error)
            return ()

    def tell_waiting(self) -> None:
        """Tell whoever can wait of all that was published."""
        self._asked = False
        try:
            while self._waiting:
                tap, message, received_ns = self._waiting.popleft()
                tap(message, received_ns)
        except Exception as error:
            self._failure = error
            raise
