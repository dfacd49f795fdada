"""Columns of predictions that follow from others, but for how they were rounded.

What is kept of them is by how many floats they are beside what follows: mostly none. Only sums,
products and quotients are taken, one after the other, which IEEE 754 has every machine round the
same way: what is read is what was written, bit for bit, also where a guess is far off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from marketstream.columns import Floats, Integers
from marketstream.messages import Prediction, Said

type Columns = Mapping[str, Floats]


def _price(columns: Columns) -> Floats:
    """Return the mid times e^r, of which four terms are enough for a return of a moment."""
    r = columns["expected_return"]
    return columns["mid"] * (1 + r * (1 + r / 2 * (1 + r / 3)))


def foretell(name: str, columns: Columns) -> Floats:
    """Return what follows for a column from those that are known; of numbers beyond reason, any."""
    with np.errstate(all="ignore"):
        return _RULES[name](columns)


_RULES: dict[str, Callable[[Columns], Floats]] = {
    "p_up": lambda columns: (1 - columns["p_flat"]) * columns["served"],
    "p_down": lambda columns: (1 - columns["p_flat"]) - columns["p_up"],
    "expected_return": lambda columns: (columns["p_up"] - columns["p_down"]) * columns["size"],
    "predicted_price": _price,
}
FORETOLD = tuple(_RULES)
"""The columns that follow, each from the others of a prediction and those before it here."""


def served(candidates: Mapping[str, Said]) -> float:
    """Return the average of what candidates said: what is served, given a move."""
    return added(said.p_up * said.weight for said in candidates.values())


def added(numbers: Iterable[float]) -> float:
    """Return their sum, rounded after each: Python's own is more exact from version to version."""
    total = 0.0
    for number in numbers:
        total += number
    return total


def sizes(predictions: Sequence[Prediction]) -> list[float]:
    """Return for each the return that its model expects of a sure move: it is the model's own."""
    found: dict[tuple[int, str], float] = {}
    for one in predictions:
        lean = one.p_up - one.p_down
        if lean:
            found.setdefault((one.horizon_ms, one.model_version), one.expected_return / lean)
    return [found.get((one.horizon_ms, one.model_version), 0.0) for one in predictions]


def beside(values: Floats, guess: Floats) -> Integers:
    """Return by how many floats each value is beside its guess; small where it is near."""
    steps = np.asarray(values, "<f8").view("<i8") - _bits(guess)
    folded: Integers = (steps << 1) ^ (steps >> 63)  # 0, -1, 1, -2 … become 0, 1, 2, 3 …
    return folded


def values_beside(steps: Integers, guess: Floats) -> Floats:
    """Return the values that are so far beside a guess."""
    steps = (steps >> 1 & np.int64(2**63 - 1)) ^ -(steps & 1)
    values: Floats = (_bits(guess) + steps).view("<f8")
    return values


def _bits(guess: Floats) -> Integers:
    """Return the bits of a guess; of what is no number machines have several."""
    return np.where(np.isnan(guess), np.nan, guess).astype("<f8").view("<i8")
