"""One feature vector to one forecast."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp

import msgspec

from marketstream.messages import Answer
from predictor.serving.intervals import Reach
from predictor.serving.rows import row_of
from predictor.training.candidates import Candidate
from predictor.training.fitting import TrainedModel


class Forecast(msgspec.Struct, frozen=True, gc=False):
    """Probabilities that sum to one, the expected log return, and the bounds of the price."""

    p_up: float
    p_flat: float
    p_down: float
    expected_return: float
    predicted_price: float
    low: float
    high: float


def forecast(
    model: TrainedModel,
    values: Mapping[str, float | None],
    mid: float,
    reach: Reach | None = None,
    up: float | None = None,
) -> Forecast:
    """Return what the champion says about the price `horizon_ms` on.

    With `up`, that is how likely up is, given a move, whatever the champion says of it. `reach` is
    how far the bounds reach beyond the model's own, by what came since it was made.
    """
    if up is None:
        up = probability(model.champion, values)
    moves = model.moves.probability_of(row_of(model.move_columns, values).values)
    return outlook(model, moves, up, mid, reach)


def outlook(
    model: TrainedModel, moves: float, up: float, mid: float, reach: Reach | None = None
) -> Forecast:
    """Return what follows for the price from how likely it moves, and how likely up then is."""
    expected = moves * (2 * up - 1) * model.move_size
    low, high = model.low, model.high
    if reach is not None:
        low, high = reach.bounds(low, high, model.move_size)
    return Forecast(
        moves * up,
        1 - moves,
        moves * (1 - up),
        expected,
        mid * exp(expected),
        mid * exp(expected + low),
        mid * exp(expected + high),
    )


def probability(candidate: Candidate, values: Mapping[str, float | None]) -> float:
    """Return how likely up is, given that the price moves."""
    return candidate.up.probability_of(row_of(candidate.columns, values).values)


def answer(p_up: float) -> Answer:
    """Return the direction of a probability, `none` where both are as likely."""
    return "up" if p_up > 0.5 else "down" if p_up < 0.5 else "none"


def direction_of(difference: float) -> Answer:
    """Return the direction of a difference."""
    if difference > 0:
        return "up"
    return "down" if difference < 0 else "none"
