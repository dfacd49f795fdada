"""A model from outside as the operator sees it, and what is said of those that abstain."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from loguru import logger

from marketstream.metrics import Metrics
from predictor.arena.answers import Abstained, Reason, p_up_of

PREFIX: Final = "arena/"
"""What the identity of each begins with, so that it is never a trained model's."""

_SLOW_S = 0.005


class ArenaModel(Protocol):
    """What an entry point returns that is called with the names of all features that models use.

    It may name those that it reads as `features`, in its order; without that it is given all.
    """

    def probabilities(self, row: Sequence[float], horizon_ms: int) -> Sequence[float] | None:
        """Return down, none and up, which sum to 1, of the mid `horizon_ms` on; None abstains.

        `row` has the features as of the close, all known. It is called at each close, by the thread
        that all wait for: it has to be done within milliseconds, and the same row has to give the
        same answer.
        """
        ...


type Ask = Callable[[Sequence[float], int], float | None]
"""Asks for the probability of up, given a move, by row and horizon; None where it abstains."""


@dataclass(frozen=True, slots=True)
class Guest:
    """A model from outside: its name, its identity, the columns it reads and how it is asked.

    Where `ask` is None it is asked elsewhere, a close before, and what it said is told to the
    operator. It takes part at `horizons_ms`.
    """

    name: str
    model: str
    columns: tuple[str, ...]
    horizons_ms: frozenset[int]
    ask: Ask | None = None


def identity(name: str, version: str) -> str:
    """Return the identity of a model from outside, such as `arena/mine:1`."""
    return f"{PREFIX}{name}:{version}"


class Abstentions:
    """Counts those that abstain, and says each reason of each model once."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._said: set[tuple[str, str]] = set()

    def note(self, name: str, reason: Reason, what: str) -> None:
        """Count one; `what` is logged the first time that this is what it is."""
        self._metrics.arena_abstentions.labels(name, reason).inc()
        if (name, what) not in self._said:
            self._said.add((name, what))
            logger.warning("A model of the arena abstains", model=name, reason=reason, what=what)

    def slow(self, name: str, took_s: float) -> None:
        """Say once that a model holds up all others."""
        what = f"every close waits for it, {1_000 * took_s:.0f} ms: have it answer over HTTP"
        if (name, "slow") not in self._said:
            self._said.add((name, "slow"))
            logger.warning("A model of the arena is slow", model=name, what=what)


def guarded(
    name: str,
    said_of: Callable[[Sequence[float], int], object],
    abstentions: Abstentions,
    clock: Callable[[], float] = time.perf_counter,
) -> Ask:
    """Return how to ask a model that may fail or answer nonsense: then it abstains."""

    def ask(row: Sequence[float], horizon_ms: int) -> float | None:
        begun_s = clock()
        try:
            answer = p_up_of(said_of(row, horizon_ms))
        except Exception as error:  # noqa: BLE001 - somebody else's code: it abstains, and is told
            abstentions.note(name, "failed", f"it raises {type(error).__name__}")
            return None
        took_s = clock() - begun_s
        if took_s > _SLOW_S:
            abstentions.slow(name, took_s)
        if isinstance(answer, Abstained):
            abstentions.note(name, *answer)
            return None
        return answer

    return ask
