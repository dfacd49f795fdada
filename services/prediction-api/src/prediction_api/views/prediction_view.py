"""A prediction as the API shows it."""

from __future__ import annotations

from dataclasses import dataclass, field

from marketstream.evidence import Finding, Proof
from marketstream.messages import Direction, Prediction


@dataclass(frozen=True, slots=True)
class ModelName:
    """Which model made a prediction."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class CandidateView:
    """What a candidate said: how likely up is, given a move, and its weight in what is served."""

    p_up: float
    weight: float
    model: str


@dataclass(frozen=True, slots=True)
class PredictionView:
    """What will become of the mid over a horizon: made at `made_at_ms`, judged at `for_ms`.

    The probabilities sum to 1, `expected_return` is a fraction, and `[low, high]` holds the price
    with probability `level`. `direction` is "abstain" where `reason` says why. `latency_us` goes
    from the receipt of what made it possible until it could be read; None of a past that nobody
    was watching. `candidates` are those whose online average it is, or which spoke beside the
    champion; their weights sum to 1.
    """

    id: str
    timeframe: str
    horizon_ms: int
    made_at_ms: int
    for_ms: int
    mid: float
    predicted_price: float
    expected_return: float
    p_up: float
    p_flat: float
    p_down: float
    low: float
    high: float
    level: float
    direction: Direction
    reason: str | None
    model: ModelName
    latency_us: int | None
    candidates: dict[str, CandidateView]


@dataclass(frozen=True, slots=True)
class VerdictView:
    """What is proven of a horizon's predictions by all that came of them, looked at at any time.

    Anything false is said with a probability of `alpha` at most. `skill` is to be better than a
    coin and each baseline, and is said where `log10_e` is at least -log10(alpha); `better` names
    the references that are proven to be better. It covers `outcomes` of closes since `since_ms`.
    """

    horizon_ms: int
    verdict: Finding
    better: list[str]
    log10_e: float
    alpha: float
    since_ms: int | None
    outcomes: int


@dataclass(frozen=True, slots=True)
class MarketPredictions:
    """The newest predictions of a market by horizon, the shortest first.

    `as_of_ms` is the market's time, `data_age_ms` how long ago anything came from it; `stale` is
    silence at our end, `stalled` a market silent for longer than it ever is. `previews` are what
    the predictions would be if the forming candle closed now, where such are made, `verdicts` what
    is proven of each horizon.
    """

    symbol: str
    as_of_ms: int
    data_age_ms: int
    stale: bool
    stalled: bool
    predictions: list[PredictionView]
    previews: list[PredictionView]
    verdicts: list[VerdictView] = field(default_factory=list)


def view_of(prediction: Prediction, made_at_ms: int, latency_us: int | None) -> PredictionView:
    """Return a prediction as the API shows it."""
    return PredictionView(
        id=prediction.id,
        timeframe=prediction.timeframe,
        horizon_ms=prediction.horizon_ms,
        made_at_ms=made_at_ms,
        for_ms=prediction.for_ms,
        mid=prediction.mid,
        predicted_price=prediction.predicted_price,
        expected_return=prediction.expected_return,
        p_up=prediction.p_up,
        p_flat=prediction.p_flat,
        p_down=prediction.p_down,
        low=prediction.low,
        high=prediction.high,
        level=prediction.level,
        direction=prediction.direction,
        reason=prediction.reason,
        model=ModelName(prediction.model_name, prediction.model_version),
        latency_us=latency_us,
        candidates={
            name: CandidateView(said.p_up, said.weight, said.model)
            for name, said in prediction.candidates.items()
        },
    )


class Shown:
    """A prediction with when it was made; its view is made once somebody asks for it."""

    __slots__ = ("_latency_us", "_made_at_ms", "_view", "prediction")

    def __init__(self, prediction: Prediction, made_at_ms: int, latency_us: int | None) -> None:
        self.prediction = prediction
        self._made_at_ms = made_at_ms
        self._latency_us = latency_us
        self._view: PredictionView | None = None

    @property
    def view(self) -> PredictionView:
        """The prediction as the API shows it."""
        if self._view is None:
            self._view = view_of(self.prediction, self._made_at_ms, self._latency_us)
        return self._view


def verdict_of(horizon_ms: int, proof: Proof) -> VerdictView:
    """Return what is proven of a horizon as the API shows it beside predictions."""
    return VerdictView(
        horizon_ms=horizon_ms,
        verdict=proof.verdict,
        better=proof.better,
        log10_e=proof.log10_e,
        alpha=proof.alpha,
        since_ms=proof.since_ms,
        outcomes=proof.outcomes,
    )
