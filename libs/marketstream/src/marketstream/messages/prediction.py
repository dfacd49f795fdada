"""What a model said of the future."""

from __future__ import annotations

import msgspec

from marketstream.messages.words import Answer, Direction, Role


class Said(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one candidate said: how likely up is, given that the price moves, and with what weight.

    The weights are those of what is served and sum to one; `model` is its name and version, written
    `lightgbm:7`. On Kafka and in the store it is an array of the three.
    """

    p_up: float
    weight: float
    model: str


class Prediction(msgspec.Struct, frozen=True, gc=False):
    """What a model said at a close about the mid `horizon_ms` after the decision takes effect.

    `answers` holds the directions that baselines, reference models and the learner beside them said
    on the same row, `candidates` what each said that takes part and knew all its features. Where
    their online average serves, `model_name` is `average`, and `model_version` the training's.

    `low` and `high` bound the price at `level`. The first writing of an identity wins. A `preview`
    says what would be predicted if the candle closed as it stands: it is shown, never stored and
    never scored.

    The features it is of are the Features message of the same market, timeframe and close, of
    `feature_set`. Who publishes it says when it was made, in market time, how long after the
    receipt of what closed the candle, and whether that was `late`: after the moment it is about,
    or of a past that nobody was watching.
    """

    market: str
    timeframe: str
    close_time_ms: int
    horizon_ms: int
    role: Role
    model_name: str
    model_version: str
    label_latency_ms: int
    mid: float
    close: float
    expected_return: float
    predicted_price: float
    p_up: float
    p_flat: float
    p_down: float
    low: float
    high: float
    level: float
    direction: Direction
    reason: str | None
    answers: dict[str, Answer]
    preview: bool = False
    feature_set: str = ""
    made_at_ms: int | None = None
    latency_us: int | None = None
    late: bool = False
    candidates: dict[str, Said] = {}

    @property
    def identity(self) -> tuple[str, str, int, int, str, str]:
        """Market, timeframe, close time, horizon, role and model version."""
        return (
            self.market,
            self.timeframe,
            self.close_time_ms,
            self.horizon_ms,
            self.role,
            self.model_version,
        )

    @property
    def id(self) -> str:
        """The identity as one string, for URLs and people."""
        return ":".join(str(part) for part in self.identity)

    @property
    def for_ms(self) -> int:
        """The moment the prediction is about."""
        return self.close_time_ms + self.label_latency_ms + self.horizon_ms
