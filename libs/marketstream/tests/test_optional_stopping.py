"""Whoever stops when he likes, by all that he sees, gains nothing where nothing is to be gained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from marketstream import evidence

DIFFERENCES = (-1.0, -0.5, 0.0, 0.5, 1.0)
PLACES = {0: 0, 1: 1, 3: 2, 4: 3}
NOTHING_OPEN = np.full(8, -log(8))  # of each bet's part nothing counts as lost


def e_value(counts: NDArray[np.int64], weights: NDArray[np.float64]) -> float:
    return float(10 ** evidence.log10_e(counts, weights))


def best_to_stop(
    worth: Callable[[tuple[int, ...]], float],
    chances: Callable[[tuple[int, ...]], Sequence[float]],
    steps: int,
) -> float:
    """Return what is expected of the best rule of stopping there is, by induction from the end."""

    def value(past: tuple[int, ...]) -> float:
        now = worth(past)
        if len(past) == steps:
            return now
        following = chances(past)
        goes_on = [p * value((*past, step)) for step, p in enumerate(following) if p]
        return max(now, sum(goes_on))

    return value(())


NULLS = st.lists(st.integers(0, 9), min_size=5, max_size=5).filter(any)


def at_most_zero(weights: Sequence[int]) -> list[float]:
    """Return a distribution on the differences whose mean is not positive."""
    mean = sum(w * d for w, d in zip(weights, DIFFERENCES, strict=True))
    chosen = weights[::-1] if mean > 0 else weights
    return [w / sum(chosen) for w in chosen]


@settings(max_examples=60, deadline=None)
@given(st.lists(NULLS, min_size=1, max_size=12), st.integers(1, 10_000))
def test_no_rule_of_stopping_gains_where_nothing_is_better(
    distributions: list[list[int]], seed: int
) -> None:
    """Whatever comes next may depend on all that came before, as long as it is no gain."""

    @cache
    def chances(past: tuple[int, ...]) -> list[float]:
        return at_most_zero(distributions[hash((seed, past)) % len(distributions)])

    def worth(past: tuple[int, ...]) -> float:
        counts = np.zeros((1, 4), np.int64)
        for step in past:
            if DIFFERENCES[step]:
                counts[0, PLACES[step]] += 1
        return e_value(counts, np.ones(1))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(evidence, "_KEPT", NOTHING_OPEN)  # each is known before the next
        assert best_to_stop(worth, chances, 4) <= 1 + 1e-12


def walk_worth(past: tuple[int, ...]) -> float:
    """Value "up", said at each step, against a coin; what comes of it is known two steps later."""
    steps = [2 * step - 1 for step in past]
    counts = np.zeros((2, 4), np.int64)
    for row, (one, other) in enumerate(pairwise(steps)):
        if one + other:
            counts[row % 2, 3 if one + other > 0 else 0] += 1
    return e_value(counts, np.array([0.5, 0.5]))


def test_who_sees_how_open_rows_go_gains_nothing_by_stopping_before_they_are_lost() -> None:
    assert best_to_stop(walk_worth, lambda _: [0.5, 0.5], 9) <= 1


def test_he_would_gain_if_stakes_of_open_rows_did_not_count_as_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(evidence, "_KEPT", NOTHING_OPEN)
    assert best_to_stop(walk_worth, lambda _: [0.5, 0.5], 9) > 1.03
