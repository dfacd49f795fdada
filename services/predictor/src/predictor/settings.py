"""What the predictor's `config.yaml` holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    ValidationInfo,
    field_validator,
    model_validator,
)

from marketstream.errors import SettingsError
from marketstream.settings import Env
from predictor.arena.settings import ArenaModelSettings
from predictor.models import LEARNERS
from predictor.moves.settings import MovesSettings


def _a_learner(name: str) -> str:
    if name not in LEARNERS:
        raise ValueError(f"{name} is no learner; known are {', '.join(LEARNERS)}")
    return name


type Serve = Literal["average", "champion"]
type Learner = Annotated[str, AfterValidator(_a_learner)]

DEFAULT_FEATURES = (
    "imbalance",
    "imbalance_mean_500ms",
    "imbalance_mean_1s",
    "imbalance_mean_5s",
    "close_against_mid",
    "spread",
    "flow_250ms",
    "flow_1s",
    "flow_2s",
    "flow_5s",
    "flow_10s",
    "return_250ms",
    "return_1s",
    "return_5s",
    "return_10s",
    "volatility_10s",
    "trades_1s",
    "rsi_14",
    "natr_14",
)


class ModelSettings(BaseModel):
    """Which learner competes with the reference models, its hyperparameters, and what serves.

    The online average of all candidates does, or the champion, the best on later rows, alone. Where
    the learner is `binding`, it serves alone whether or not it is the best.
    """

    model_config = ConfigDict(extra="forbid")

    type: Learner = "lightgbm"
    binding: bool = False
    serve: Serve = "average"
    hyperparameters: dict[str, int | float] = Field(default_factory=dict)

    @property
    def serves(self) -> Serve:
        """What serves in the end: a binding learner does so alone."""
        return "champion" if self.binding else self.serve

    @field_validator("hyperparameters")
    @classmethod
    def _known(cls, given: dict[str, int | float], info: ValidationInfo) -> dict[str, int | float]:
        if "type" in info.data:  # else the type is what is wrong
            _check(info.data["type"], given)
        return given


class DriftSettings(BaseModel):
    """When a market has become so different that models are trained before their time.

    `features` is how far three of them may be, on the newest 1,000 rows, from the training set, as
    a population stability index, where they are not usually farther; `loss_once_in` how many rows
    pass in the mean until a higher loss is seen where there is none. Null switches each off. None
    comes sooner than `least_after` seconds after the last training, and each that a drift brings
    doubles that, up to the interval.
    """

    model_config = ConfigDict(extra="forbid")

    features: float | None = Field(default=1.0, gt=0)
    loss_once_in: int | None = Field(default=10_000, gt=1)
    least_after: int = Field(default=600, gt=0)


class TrainingSettings(BaseModel):
    """When and on what models are trained; times are seconds of market time.

    `folds` is how many times a walk forward tests; `embargo` how many closes before a test are not
    learnt from, so that features that look back find nothing of the test.
    """

    model_config = ConfigDict(extra="forbid")

    retrain_interval: Annotated[PositiveInt, Env("MODEL_RETRAIN_INTERVAL")] = 3600
    first_after: int = Field(default=120, gt=0)
    validation_split: float = Field(default=0.2, gt=0, lt=0.9)
    most_rows: int = Field(default=50_000, gt=100)
    fewest_moved: int = Field(default=30, gt=1)
    folds: int = Field(default=5, gt=0)
    embargo: int = Field(default=10, ge=0)
    drift: DriftSettings = DriftSettings()


class RangeSettings(BaseModel):
    """The values of a hyperparameter that are tried; `log` where factors count, not steps."""

    model_config = ConfigDict(extra="forbid")

    low: int | float
    high: int | float
    log: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"low {self.low} has to be below high {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"low {self.low} has to be above 0 where log is true")
        return self


def _default_space() -> dict[Learner, dict[str, RangeSettings]]:
    ranges = LEARNERS["lightgbm"].space.items()
    return {
        "lightgbm": {
            name: RangeSettings(low=each.low, high=each.high, log=each.log) for name, each in ranges
        }
    }


class TuningSettings(BaseModel):
    """How hyperparameters are searched for; `seconds` end a search that has not made all `trials`.

    `space` has the ranges to try by learner; a learner that it leaves out is tuned within the
    program's own. `storage` is the URL of a database to go on from, such as
    `sqlite:///state/tuning.sqlite`; null keeps a search in memory.
    """

    model_config = ConfigDict(extra="forbid")

    trials: int = Field(default=50, gt=0)
    seconds: int = Field(default=600, gt=0)
    storage: str | None = None
    space: dict[Learner, dict[str, RangeSettings]] = Field(default_factory=_default_space)

    @field_validator("space")
    @classmethod
    def _known(
        cls, space: dict[Learner, dict[str, RangeSettings]]
    ) -> dict[Learner, dict[str, RangeSettings]]:
        for learner, ranges in space.items():
            for end in ("low", "high"):
                _check(learner, {name: getattr(each, end) for name, each in ranges.items()})
        return space


class AbstentionSettings(BaseModel):
    """When the model does not answer.

    `rate` is the share of rows left out for being the least sure; `novelty` how far a feature may
    be beyond the range of its training, in lengths of that range; `stale_closes` how many closes
    may pass without any change of book and price. Null switches a check off.
    """

    model_config = ConfigDict(extra="forbid")

    rate: float = Field(default=0.0, ge=0, lt=1)
    novelty: float | None = Field(default=1.0, ge=0)
    incomplete: bool = True
    stale_closes: int | None = Field(default=60, gt=0)


def _default_ranges() -> dict[str, tuple[float, float]]:
    return {
        "imbalance": (-1, 1),
        "flow": (-1, 1),
        "spread": (0, 0.1),
        "close_against_mid": (-0.2, 0.2),
        "return": (-0.5, 0.5),
        "volatility": (0, 0.5),
        "trades": (0, 1e7),
        "rsi": (0, 100),
    }


class GateSettings(BaseModel):
    """What a training set has to be like; one that is not is refused.

    Shares of rows: `missing` where a feature is unknown (after the first `warm_up` closes),
    `incomplete` of candles that lack trades, `gaps` before which time is missing. `age` is how many
    closes the newest row may be old, `jump` how much the price may move from row to row, as a share
    of it. `ranges` bound features by their name or the beginning of it. `drift` is how far a
    feature may be from the last training set, as a population stability index; null switches that
    off. A drift is refused once: what is still so the next time is how the market is now.
    """

    model_config = ConfigDict(extra="forbid")

    missing: float = Field(default=0.2, ge=0, le=1)
    warm_up: int = Field(default=200, ge=0)
    incomplete: float = Field(default=0.5, ge=0, le=1)
    gaps: float = Field(default=0.05, ge=0, le=1)
    age: int = Field(default=60, gt=0)
    jump: float = Field(default=0.5, gt=0)
    drift: float | None = Field(default=3.0, gt=0)
    ranges: dict[str, tuple[float, float]] = Field(default_factory=_default_ranges)

    @field_validator("ranges")
    @classmethod
    def _in_order(cls, ranges: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
        for name, (least, most) in ranges.items():
            if least > most:
                raise ValueError(f"{name}: {least} has to be at most {most}")
        return ranges


class PredictorSettings(BaseModel):
    """The predictor's settings; `features` is what models use of what is computed.

    `arena` has models from outside that take part, by name, `moves` what is said of how far the
    price will go.
    """

    model_config = ConfigDict(extra="forbid")

    model: ModelSettings = ModelSettings()
    features: list[str] = Field(default_factory=lambda: list(DEFAULT_FEATURES), min_length=1)
    training: TrainingSettings = TrainingSettings()
    tuning: TuningSettings = TuningSettings()
    abstention: AbstentionSettings = AbstentionSettings()
    gates: GateSettings = GateSettings()
    arena: dict[str, ArenaModelSettings] = Field(default_factory=dict)
    moves: MovesSettings = MovesSettings()
    interval_level: float = Field(default=0.8, gt=0, lt=1)
    outcome_grace_ms: int = Field(default=0, ge=0)
    mlflow_tracking_uri: Annotated[str | None, Field(min_length=1), Env("MLFLOW_TRACKING_URI")] = (
        None
    )


def _check(learner: str, given: Mapping[str, float]) -> None:
    """Raise ValueError, which pydantic asks for, where a hyperparameter makes no sense."""
    try:
        LEARNERS[learner].checked(given)
    except SettingsError as error:
        raise ValueError(str(error)) from error
