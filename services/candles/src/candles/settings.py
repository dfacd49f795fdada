"""What the candles service's `config.yaml` holds."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from marketstream.errors import SettingsError
from marketstream.timeframes import timeframe_ms


class CandlesSettings(BaseModel):
    """The timeframes that candles are made of, beside the one predictions are decided on."""

    model_config = ConfigDict(extra="forbid")

    timeframes: list[str] = Field(default=["250ms", "1s"], min_length=1)

    @field_validator("timeframes")
    @classmethod
    def _known_timeframes(cls, timeframes: list[str]) -> list[str]:
        for timeframe in timeframes:
            try:
                timeframe_ms(timeframe)
            except SettingsError as error:
                raise ValueError(str(error)) from error
        return timeframes
