"""A model from outside as the operator sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

PREFIX: Final = "arena/"
"""What the identity of each begins with, so that it is never a trained model's."""


class ArenaModel(Protocol):
    """What an entry point returns that is called with the names of all features that models use.

    It may name those that it reads as `features`, in its order; without that it is given all. What
    it says as `version` is part of its identity.
    """

    def probabilities(self, row: Sequence[float], horizon_ms: int) -> Sequence[float] | None:
        """Return down, none and up, which sum to 1, of the mid `horizon_ms` on; None abstains.

        `row` has the features as of the close, all known. It is called at each close, by the thread
        that all wait for: it has to be done within milliseconds, and the same row has to give the
        same answer.
        """
        ...


class Ask(Protocol):
    """Asks for the probability of up, given a move; None where the model abstains."""

    def __call__(
        self, row: Sequence[float], horizon_ms: int, *, preview: bool = False
    ) -> float | None:
        """Ask about a row of its columns; that it abstains in a `preview` is not counted."""
        ...


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
