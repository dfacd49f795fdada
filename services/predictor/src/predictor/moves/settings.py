"""Which forecasts of how far are made live."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

_HOUR_S = 3_600
_SHORTEST_STEP_S = 10

type LiveTarget = Literal["volatility", "range"]


class MovesSettings(BaseModel):
    """How far the price will go: of which targets and horizons, and how often that is said.

    `horizons` are seconds, at most an hour; those that a timeframe does not divide are left out of
    it. A forecast is made at every close of `step` seconds, which has to divide an hour and all
    horizons; null is the shortest horizon, or 10 s where that is shorter. No `targets` switch it
    off. Models are fitted on the newest `most_closes`.
    """

    model_config = ConfigDict(extra="forbid")

    targets: list[LiveTarget] = ["volatility", "range"]
    horizons: list[Annotated[PositiveInt, Field(le=_HOUR_S)]] = Field(
        default_factory=lambda: [60, 300, 900], min_length=1
    )
    step: PositiveInt | None = None
    most_closes: int = Field(default=100_000, ge=1_000)

    @property
    def step_s(self) -> int:
        """How often a forecast is made, in seconds."""
        return self.step or max(_SHORTEST_STEP_S, min(self.horizons))

    @model_validator(mode="after")
    def _divides(self) -> Self:
        for whole in (_HOUR_S, *self.horizons):
            if whole % self.step_s:
                raise ValueError(
                    f"a step of {self.step_s} s does not divide {whole} s: choose one that divides "
                    "an hour and all horizons"
                )
        return self
