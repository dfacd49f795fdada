"""What a file in `book/`, `flow/` or `derivatives/` holds: an indicator, in both forms."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from marketstream.columns import Floats
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_row import BaseRow

type State = tuple[float, ...]
"""What a recursion has come to: numbers alone, so that a snapshot holds it exactly."""


class Windowed(ABC):
    """A feature of the last `rows` base candles, which have no hole between them.

    Where that is one, a candle that is still forming says it as things stand.
    """

    rows = 1

    @abstractmethod
    def value(self, rows: Sequence[BaseRow]) -> float | None:
        """Return the value as of the last of at least `rows` candles, None for none."""

    @abstractmethod
    def columnar(self, columns: BaseColumns) -> Floats:
        """Return the values as of every candle; what stands where there is a hole is not read."""


class Recursive(ABC):
    """A feature that goes on from what it was a close before; a hole begins it anew.

    The first value comes with the candle numbered `rows`, counted from where it began, and after
    `settles` of them what was before makes no difference beyond 1e-9.
    """

    rows = 1
    settles = 1

    @abstractmethod
    def step(self, state: State | None, row: BaseRow) -> State | None:
        """Fold a candle into a state, None being none; return None where one cannot go on."""

    @abstractmethod
    def value(self, state: State) -> float | None:
        """Return the value as of the candle folded last, None for none."""

    @abstractmethod
    def columnar(self, columns: BaseColumns) -> Floats:
        """Return the values as of every candle, NaN for None."""


type Form = Windowed | Recursive


@dataclass(frozen=True, slots=True)
class BaseDefinition:
    """An indicator of base candles; its name is that of its file.

    `form` is given how many seconds a base candle is long and the parameters by name; `ValueError`
    refuses them. A parameter whose default is a whole number is one, and 1 or more. Both of its
    forms give the same bits: the same operations in the same order, of those that IEEE 754 rounds
    correctly, or the same function of `math` in both.
    """

    form: Callable[..., Form]
    inputs: tuple[str, ...]
    parameters: Mapping[str, int | float] = field(default_factory=dict)


class TooShortError(ValueError):
    """A span that is shorter than a base candle, in which nothing of it can be seen."""


def check_visible(seconds: float, base_s: float) -> None:
    """Raise ValueError where a span is none, TooShortError where it is shorter than a candle."""
    if seconds <= 0:
        raise ValueError("seconds has to be above 0")
    if seconds < base_s:
        raise TooShortError(f"seconds is shorter than the finest candles, {base_s:g} s")


def closes_in(seconds: float, base_s: float) -> int:
    """Return how many base candles a span has; ValueError where that is no whole number."""
    check_visible(seconds, base_s)
    closes = round(seconds / base_s)
    if abs(closes * base_s - seconds) > 1e-9 * seconds:
        raise ValueError(f"seconds has to be a multiple of the finest candles, {base_s:g} s")
    return closes
