"""What is said of models from outside that abstain, and how one is asked that may fail."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from loguru import logger

from marketstream.metrics import Metrics
from predictor.arena.answers import Abstained, Reason, p_up_of
from predictor.arena.guest import Ask

_SLOW_S = 0.005


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
    """Return how to ask a model that may fail or answer nonsense: then it abstains.

    What it says in a preview of a close is not counted: the close itself is to come.
    """

    def ask(row: Sequence[float], horizon_ms: int, *, preview: bool = False) -> float | None:
        begun_s = clock()
        try:
            answer = p_up_of(said_of(row, horizon_ms))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - somebody else's: it abstains
            answer = Abstained("failed", f"it raises {type(error).__name__}")
        took_s = clock() - begun_s
        if took_s > _SLOW_S:
            abstentions.slow(name, took_s)
        if isinstance(answer, Abstained):
            if not preview:
                abstentions.note(name, *answer)
            return None
        return answer

    return ask
