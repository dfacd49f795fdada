"""One feature vector to one forecast."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp
from typing import NamedTuple

import numpy as np

from marketstream.messages import Answer
from predictor.training import Candidate, TrainedModel


class Forecast(NamedTuple):
    """Probabilities that sum to one, the expected log return, and the bounds of the price."""

    p_up: float
    p_flat: float
    p_down: float
    expected_return: float
    predicted_price: float
    low: float
    high: float


def forecast(model: TrainedModel, values: Mapping[str, float | None], mid: float) -> Forecast:
    """Return what the champion says about the price `horizon_ms` on."""
    up = probability(model.champion, values)
    moves = float(model.moves.probability(_row(model.move_columns, values))[0])
    expected = moves * (2 * up - 1) * model.move_size
    return Forecast(
        p_up=moves * up,
        p_flat=1 - moves,
        p_down=moves * (1 - up),
        expected_return=expected,
        predicted_price=mid * exp(expected),
        low=mid * exp(expected + model.low),
        high=mid * exp(expected + model.high),
    )


def probability(candidate: Candidate, values: Mapping[str, float | None]) -> float:
    """Return how likely up is, given that the price moves."""
    return float(candidate.up.probability(_row(candidate.columns, values))[0])


def answer(candidate: Candidate, values: Mapping[str, float | None]) -> Answer:
    """Return the candidate's direction, `none` where it sees both as likely."""
    return direction_of(probability(candidate, values) - 0.5)


def direction_of(difference: float) -> Answer:
    """Return the direction of a difference."""
    if difference > 0:
        return "up"
    return "down" if difference < 0 else "none"


def _row(columns: tuple[str, ...], values: Mapping[str, float | None]) -> np.ndarray:
    row = [values.get(name) for name in columns]
    return np.array([[float("nan") if value is None else value for value in row]], np.float64)
