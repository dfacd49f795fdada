"""What a model from outside may answer: down, none and up, which sum to one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from math import isfinite
from typing import Literal, NamedTuple

from predictor.policy.average import SURE

type Reason = Literal["failed", "late", "nonsense"]
"""Why a model abstained."""

_NO_MOVE = 1e-6  # a move that is no likelier tells nothing of its direction
_SUM = 1e-3  # what rounding to four digits may leave


class Abstained(NamedTuple):
    """That a model does not take part at a close: `reason` is counted, `what` is for people."""

    reason: Reason
    what: str


def p_up_of(said: object) -> float | Abstained | None:
    """Return how likely up is, given that the price moves: what candidates say.

    None is an answer: the model abstains, and so it does where it is sure of no move. Anything but
    three finite numbers from 0 that sum to 1, within a thousandth, is nonsense.
    """
    if said is None:
        return None
    numbers = _numbers(said)
    if numbers is None:
        return _nonsense("an answer has to be three numbers: down, none, up")
    if not all(map(isfinite, numbers)):
        return _nonsense("a probability is not finite")
    if min(numbers) < 0:
        return _nonsense("a probability is below 0")
    total = sum(numbers)
    if abs(total - 1) > _SUM:
        return _nonsense("probabilities do not sum to 1")
    down, _, up = numbers
    return min(max(up / (up + down), SURE), 1 - SURE) if up + down > _NO_MOVE else None


def _numbers(said: object) -> tuple[float, float, float] | None:
    if not isinstance(said, Iterable) or isinstance(said, AbstractSet | Mapping):
        return None
    try:
        found = list(islice(said, 4))  # whatever somebody else wrote, be it without an end
        if any(isinstance(each, str | bytes | bool) for each in found):
            return None
        down, none, up = map(float, found)
    except (TypeError, ValueError, OverflowError):
        return None
    return down, none, up


def _nonsense(what: str) -> Abstained:
    return Abstained("nonsense", what)


def three_of(row: Sequence[float]) -> Sequence[float] | None:
    """Return down, none, up of a row of probabilities; two are down and up, given a move."""
    if len(row) == 2:
        return (row[0], 0.0, row[1])
    return row if len(row) == 3 else None
