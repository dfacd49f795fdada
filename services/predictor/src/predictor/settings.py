"""What the predictor's `config.yaml` holds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from marketstream.settings import Env

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
    """Which learner competes with the reference models, and its hyperparameters."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["lightgbm", "logistic"] = "lightgbm"
    hyperparameters: dict[str, int | float] = Field(default_factory=dict)


class TrainingSettings(BaseModel):
    """When and on what models are trained; times are seconds of market time."""

    model_config = ConfigDict(extra="forbid")

    retrain_interval: Annotated[PositiveInt, Env("MODEL_RETRAIN_INTERVAL")] = 3600
    first_after: int = Field(default=120, gt=0)
    validation_split: float = Field(default=0.2, gt=0, lt=0.9)
    most_rows: int = Field(default=50_000, gt=100)
    fewest_moved: int = Field(default=30, gt=1)


class PredictorSettings(BaseModel):
    """The predictor's settings; `features` is what models use of what is computed."""

    model_config = ConfigDict(extra="forbid")

    model: ModelSettings = ModelSettings()
    features: list[str] = Field(default_factory=lambda: list(DEFAULT_FEATURES), min_length=1)
    training: TrainingSettings = TrainingSettings()
    interval_level: float = Field(default=0.8, gt=0, lt=1)
    outcome_grace_ms: int = Field(default=0, ge=0)
