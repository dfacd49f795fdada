"""An operator that fails on a message is as if it had never come."""

from __future__ import annotations

import pytest

from marketstream.errors import BadMessage
from marketstream.runners.recovering import Recovering


class Sum:
    """Adds up; changes before it fails on 13, and refuses negative numbers before it changes."""

    def __init__(self) -> None:
        self.total = 0
        self.snapshots = 0

    def update(self, message: int) -> list[int]:
        if message < 0:
            raise BadMessage("negative")
        self.total += message
        if message == 13:
            raise OverflowError("thirteen")
        return [self.total]

    def snapshot(self) -> bytes:
        self.snapshots += 1
        return str(self.total).encode()

    def restore(self, snapshot: bytes) -> None:
        self.total = int(snapshot)


def test_what_an_operator_fails_on_changes_nothing() -> None:
    held = Recovering(Sum())
    said = []
    for message in (1, 2, 13, 3, -1, 13, 13, 4):
        try:
            said += held.update(message)
        except BadMessage as error:
            said.append(str(error))
    fails = "it makes OverflowError: thirteen"
    assert said == [1, 3, fails, 6, "negative", fails, fails, 10]


def test_what_was_there_before_the_first_message_is_kept() -> None:
    operator = Sum()
    operator.total = 100
    held = Recovering(operator)
    with pytest.raises(BadMessage, match="thirteen"):
        held.update(13)
    assert held.update(1) == [101]


def test_what_is_remembered_is_bounded() -> None:
    held = Recovering(operator := Sum())
    for _ in range(10_000):
        held.update(1)
    assert operator.snapshots == 10
    with pytest.raises(BadMessage):
        held.update(13)
    assert held.update(1) == [10_001]
