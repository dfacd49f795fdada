"""The stage: which operator reads which topics and writes which ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from marketstream.messages import Message
from marketstream.operator import Operator
from marketstream.topics import Topic

type Key = Callable[[Any], str]
"""Says which operator of a stage a message is for."""

type Finish = Callable[[Any, int], Any]
"""Completes what an operator returned with what only the edge knows: the time."""


def market_key(message: Any) -> str:
    """Return the market of a message: the key of a stage that looks at each market by itself."""
    market: str = message.market
    return market


def as_it_is(message: Message, received_ns: int) -> Message:
    """Return a message as the operator made it."""
    del received_ns
    return message


@dataclass(frozen=True, slots=True)
class Stage:
    """One operator per key between topics; each service is, at heart, one stage.

    `make_operator` is given the key: a market, or the name of a group whose markets one operator
    sees together (`Plan.group_of`). What it returns goes to the topic of its type, completed by
    `finish`, which is also given when (ns) the edge received what it follows from, 0 where nobody
    was watching.
    """

    name: str
    reads: tuple[Topic, ...]
    writes: tuple[Topic, ...]
    make_operator: Callable[[str], Operator[Any, Any]]
    key: Key = market_key
    finish: Finish = as_it_is

    def topic_of(self, message: object) -> Topic:
        """Return the topic a message of this stage goes to."""
        for topic in self.writes:
            if type(message) is topic.message:
                return topic
        raise TypeError(f"stage {self.name} does not write {type(message).__name__} messages")
