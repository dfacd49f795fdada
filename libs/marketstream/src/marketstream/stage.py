"""The stage: which operator reads which topic and writes which ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from marketstream.operator import Operator
from marketstream.topics import Topic


@dataclass(frozen=True, slots=True)
class Stage:
    """One operator per market between topics; each service is, at heart, one stage.

    `make_operator` is given the market. What the operator returns goes to the topic of its type.
    """

    name: str
    reads: Topic
    writes: tuple[Topic, ...]
    make_operator: Callable[[str], Operator[Any, Any]]

    def topic_of(self, message: object) -> Topic:
        """Return the topic a message of this stage goes to."""
        for topic in self.writes:
            if type(message) is topic.message:
                return topic
        raise TypeError(f"stage {self.name} does not write {type(message).__name__} messages")
