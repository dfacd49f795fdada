"""What a prediction was made of, typed."""

from __future__ import annotations

import msgspec

from realtime_client.answers import Candle


class Said(msgspec.Struct, frozen=True, array_like=True):
    """What a candidate said of up, given a move, with what weight, and which model it is."""

    p_up: float
    weight: float
    model: str


class StoredPrediction(msgspec.Struct, frozen=True):
    """A prediction as it is stored; `answers` are what baselines and references said."""

    market: str
    timeframe: str
    close_time_ms: int
    horizon_ms: int
    role: str
    model_name: str
    model_version: str
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
    direction: str
    reason: str | None
    answers: dict[str, str]
    feature_set: str = ""
    candidates: dict[str, Said] = {}


class Moments(msgspec.Struct, frozen=True):
    """When what happened: the close, the answer, its start and its end, in the market's time."""

    closed_ms: int
    made_at_ms: int | None
    latency_us: int | None
    starts_ms: int
    ends_ms: int


class FeatureVector(msgspec.Struct, frozen=True):
    """The features as of a close, by name, None while they warm up, with the book as of then."""

    close_time_ms: int
    values: dict[str, float | None]
    bid: float | None
    ask: float | None
    close: float
    feature_set: str
    complete: bool = True


class ModelMade(msgspec.Struct, frozen=True):
    """The model that answered: of how many rows it was made, since when it served, and why."""

    name: str
    version: str
    trained_at_ms: int
    rows: int
    metrics: dict[str, float | None]
    since_ms: int = 0
    why: str = ""


class StoredOutcome(msgspec.Struct, frozen=True):
    """What came of it; `baselines` are right, wrong or flat."""

    realised_mid: float
    realised_return: float
    verdict: str
    inside: bool
    baselines: dict[str, str]


class Terms(msgspec.Struct, frozen=True):
    """A candidate's log odds of up, given a move: `base` and what each feature adds sum to it.

    `features` is None of a kind of model that cannot be taken apart.
    """

    log_odds: float
    base: float
    features: dict[str, float] | None


class Explanation(msgspec.Struct, frozen=True):
    """A prediction with what it follows from; `missing` says of what is None why it is.

    `p_up` is what was served, given that the price moves; `contributions` say of each candidate
    what each feature added.
    """

    id: str
    prediction: StoredPrediction
    p_up: float | None
    moments: Moments
    candle: Candle | None
    features: FeatureVector | None
    model: ModelMade | None
    outcome: StoredOutcome | None
    missing: dict[str, str]
    contributions: dict[str, Terms] | None = None
