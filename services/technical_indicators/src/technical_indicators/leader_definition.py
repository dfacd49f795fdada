"""What a file in `leaders/` holds: an indicator of a market and its leader, in both forms."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from marketstream.columns import Floats
from technical_indicators.leader_columns import PairColumns
from technical_indicators.leader_row import Pair


class Paired(ABC):
    """A feature of the last `rows` base closes that both markets have, without a hole.

    It is not asked where the leader has been silent.
    """

    rows = 1

    @abstractmethod
    def value(self, pairs: Sequence[Pair]) -> float | None:
        """Return the value as of the last of at least `rows` pairs, None for none."""

    @abstractmethod
    def columnar(self, pairs: PairColumns) -> Floats:
        """Return the values as of every pair; what stands where there is a hole is not read."""


def newest(
    of_pair: Callable[[Pair], float | None], of_columns: Callable[[PairColumns], Floats]
) -> Callable[..., Paired]:
    """Return the form of what is read off the newest pair."""

    class Newest(Paired):
        def __init__(self, base_s: float) -> None:
            del base_s

        def value(self, pairs: Sequence[Pair]) -> float | None:
            return of_pair(pairs[-1])

        def columnar(self, pairs: PairColumns) -> Floats:
            return of_columns(pairs)

    return Newest


@dataclass(frozen=True, slots=True)
class LeaderDefinition:
    """An indicator of a market and its leader; its name is that of its file.

    `form` is given how many seconds a base candle is long and the parameters by name; `ValueError`
    refuses them. Both of its forms give the same bits, as those of `BaseDefinition` do.
    """

    form: Callable[..., Paired]
    inputs: tuple[str, ...]
    parameters: Mapping[str, int | float] = field(default_factory=dict)
