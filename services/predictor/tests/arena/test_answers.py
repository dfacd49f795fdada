"""Only three finite numbers from 0 that sum to one are an answer."""

from __future__ import annotations

from itertools import count
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictor.arena.answers import Abstained, p_up_of
from predictor.arena.endpoint import believed

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


def test_what_counts_is_up_given_a_move() -> None:
    assert p_up_of((0.2, 0.2, 0.6)) == pytest.approx(0.75)
    assert p_up_of([0.25004, 0.5, 0.25]) == pytest.approx(0.5, abs=1e-4)
    assert p_up_of((0, 0, 1)) == 1 - 1e-6


def test_nothing_and_certainty_of_no_move_are_abstentions_without_a_reason() -> None:
    assert p_up_of(None) is None
    assert p_up_of((0.0, 1.0, 0.0)) is None


@pytest.mark.parametrize(
    "said",
    [
        (nan, 0.5, 0.5), (inf, 0.0, 0.0), (-0.5, 0.5, 1.0), (0.5, 0.2, 0.6), (0.5, 0.5), 0.7, "abc",
        (True, False, False), ("0.2", "0.2", "0.6"), {}, (0.2, 0.2, None),
    ],
)  # fmt: skip
def test_nonsense_is_no_answer(said: object) -> None:
    found = p_up_of(said)
    assert isinstance(found, Abstained)
    assert found.reason == "nonsense"


@given(ANYTHING)
def test_whatever_comes_is_a_probability_or_an_abstention(said: object) -> None:
    found = p_up_of(said)
    assert found is None or isinstance(found, Abstained) or 0 < found < 1


@pytest.mark.parametrize(
    "said", [count(), {0.2, 0.3, 0.5}, {0.2: 1, 0.3: 1, 0.5: 1}, [0.2, 0.3, 0.5, 0.0], 3]
)
def test_what_is_no_sequence_of_three_is_nonsense(said: object) -> None:
    assert isinstance(p_up_of(said), Abstained)


def test_a_trace_of_a_move_tells_no_direction() -> None:
    assert p_up_of([0.0, 1.0, 1e-300]) is None


@pytest.mark.parametrize("body", [b'{"x":' + b"[" * 60_000, b'{"probabilities": {"\xff": 1}}'])
def test_bodies_that_break_decoders_are_nonsense(body: bytes) -> None:
    said = believed(body, [1_000])
    assert isinstance(said, Abstained)
    assert said.reason == "nonsense"
