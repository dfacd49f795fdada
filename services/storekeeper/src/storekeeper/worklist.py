"""What is to be mended: bounded, the newest first, again later where it did not succeed."""

from __future__ import annotations

from typing import NamedTuple

_FIRST_WAIT_S, _MOST_WAIT_S = 5.0, 300.0


class Stretch(NamedTuple):
    """A stretch of a market's time, in ms; `suspect` where candles called complete are wrong."""

    market: str
    from_ms: int
    to_ms: int
    suspect: bool = False


class Task(NamedTuple):
    """A stretch, and how often it has failed."""

    stretch: Stretch
    failures: int


class Worklist:
    """Stretches and when they are due, in seconds of whichever clock is used.

    Of more than `most` the oldest are left out: whoever fills it finds them again in the store.
    """

    def __init__(self, most: int = 1_000) -> None:
        self._most = most
        self._due: dict[Stretch, tuple[float, int]] = {}

    def __len__(self) -> int:
        return len(self._due)

    def count(self, market: str) -> int:
        """Return how many stretches of a market wait."""
        return sum(stretch.market == market for stretch in self._due)

    def add(self, stretch: Stretch, due_s: float) -> None:
        """Note what is to be mended; one that is known keeps its turn."""
        self._put(stretch, due_s, 0)

    def take(self, now_s: float) -> Task | None:
        """Remove and return the newest that is due; None where none is."""
        due = [stretch for stretch, (due_s, _) in self._due.items() if due_s <= now_s]
        if not due:
            return None
        newest = max(due, key=lambda one: one.to_ms)
        return Task(newest, self._due.pop(newest)[1])

    def again(self, task: Task, now_s: float, *, wait_s: float = 0.0) -> None:
        """Put back what failed: twice as late each time, and not before `wait_s`."""
        own_s = min(_FIRST_WAIT_S * 2.0 ** min(task.failures, 16), _MOST_WAIT_S)
        self._put(task.stretch, now_s + max(own_s, wait_s), task.failures + 1)

    def _put(self, stretch: Stretch, due_s: float, failures: int) -> None:
        self._due.setdefault(stretch, (due_s, failures))
        if len(self._due) > self._most:
            del self._due[min(self._due, key=lambda one: one.to_ms)]
