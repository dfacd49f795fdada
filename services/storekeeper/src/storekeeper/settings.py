"""What the storekeeper's `config.yaml` holds."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from exchanges.settings import ExchangeSettings
from marketstream.errors import SettingsError
from marketstream.timeframes import duration_ms
from storekeeper.alerts.settings import AlertSettings

_SHORTEST_MS = 86_400_000  # what looks back, in training and mending, does so within a day


def _is_length(text: str) -> str:
    try:
        duration_ms(text)
    except SettingsError as error:
        raise ValueError(str(error)) from error
    return text


def _is_long_enough(text: str) -> str:
    length_ms = duration_ms(_is_length(text))
    if length_ms < _SHORTEST_MS:
        raise ValueError(f"{text} is shorter than 1d, which the system itself looks back at most")
    return text


type Kept = Annotated[str, AfterValidator(_is_long_enough)] | None
"""A length of time such as 31d, at least a day; None for ever."""


class RetentionSettings(BaseModel):
    """For how long rows are kept behind the newest candle of their market.

    `fine_candles` are those shorter than a minute, `candles` all others. Fine candles, features,
    predictions and outcomes are packed once they are `unpacked` old; None leaves them rows.
    """

    model_config = ConfigDict(extra="forbid")

    fine_candles: Kept = "7d"
    candles: Kept = None
    features: Kept = "7d"
    predictions: Kept = "31d"
    outcomes: Kept = "31d"
    unpacked: Annotated[str, AfterValidator(_is_length)] | None = "1h"


class StorekeeperSettings(ExchangeSettings):
    """How often candles are compared with the exchange's, 0 for never, whom to ask, what is kept.

    With 0 nothing is mended either. `mend_grace_s` is how long after a gap has closed its candles
    are left to whoever made them.
    """

    audit_every_s: Annotated[float, Field(ge=0)] = 15.0
    mend_grace_s: Annotated[float, Field(ge=0)] = 5.0
    retention: RetentionSettings = RetentionSettings()
    alerts: AlertSettings = AlertSettings()
