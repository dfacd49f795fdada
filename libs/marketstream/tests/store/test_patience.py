"""What passes is waited for, and nothing else is."""

from __future__ import annotations

import threading
import time

import pytest
from loguru import logger

from marketstream.errors import StateError, TransientStateError
from marketstream.store.patience import patiently


class Flaky:
    """Fails so many times, and then works."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.calls = 0
        self._failures = failures
        self._error = error

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self._failures:
            raise self._error
        return "done"


def test_call_is_tried_again_until_it_works_and_that_is_said_once() -> None:
    said: list[str] = []
    handler = logger.add(said.append, level="INFO", format="{level} {message}")
    assert patiently(Flaky(3, TransientStateError("away")), patience_s=60) == "done"
    logger.remove(handler)
    assert said == [
        "WARNING The store does not answer: trying again\n",
        "INFO The store answers again\n",
    ]


def test_last_error_is_raised_when_patience_ends() -> None:
    flaky = Flaky(10**9, TransientStateError("away"))
    with pytest.raises(TransientStateError, match="away"):
        patiently(flaky, patience_s=0.2)
    assert flaky.calls >= 2


def test_without_patience_there_is_one_try() -> None:
    flaky = Flaky(1, TransientStateError("away"))
    with pytest.raises(TransientStateError):
        patiently(flaky, patience_s=0)
    assert flaky.calls == 1


def test_patience_ends_at_once_where_the_program_ends() -> None:
    ending = threading.Event()

    def away() -> str:
        threading.Timer(0.05, ending.set).start()
        raise TransientStateError("away")

    started_s = time.monotonic()
    with pytest.raises(TransientStateError, match="away"):
        patiently(away, patience_s=600, ending=ending)
    assert time.monotonic() - started_s < 60


def test_error_that_does_not_pass_is_raised_at_once() -> None:
    flaky = Flaky(1, StateError("the disk is full"))
    with pytest.raises(StateError, match="the disk is full"):
        patiently(flaky, patience_s=60)
    assert flaky.calls == 1
