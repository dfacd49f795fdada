"""What the storekeeper's `config.yaml` holds."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from exchanges.settings import ExchangeSettings
from marketstream.errors import SettingsError
from marketstream.timeframes import duration_ms

_SHORTEST_MS = 86_400_000  # what looks back, in training and mending, does so within a day
_WEEK, _MONTH = "7d", "31d"


def _kept_ms(text: object) -> int | None:
    if text is None:
        return None
    try:
        length_ms = duration_ms(str(text))
    except SettingsError as error:
        raise ValueError(str(error)) from error
    if length_ms < _SHORTEST_MS:
        raise ValueError(f"{text} is shorter than 1d, which the system itself looks back at most")
    return length_ms


type Kept = Annotated[int | None, BeforeValidator(_kept_ms)]
"""A length of time such as 31d, at least a day, as milliseconds; None for ever."""


class RetentionSettings(BaseModel):
    """For how long rows are kept behind the newest candle of their market.

    `fine_candles` are those shorter than a minute, `candles` all others.
    """

    model_config = ConfigDict(extra="forbid", validate_default=True)

    fine_candles: Kept = _WEEK  # type: ignore[assignment]
    candles: Kept = None
    features: Kept = _WEEK  # type: ignore[assignment]
    predictions: Kept = _MONTH  # type: ignore[assignment]
    outcomes: Kept = _MONTH  # type: ignore[assignment]


class StorekeeperSettings(ExchangeSettings):
    """How often candles are compared with the exchange's, 0 for never, whom to ask, what is kept.

    With 0 nothing is mended either. `mend_grace_s` is how long after a gap has closed its candles
    are left to whoever made them.
    """

    audit_every_s: Annotated[float, Field(ge=0)] = 15.0
    mend_grace_s: Annotated[float, Field(ge=0)] = 5.0
    retention: RetentionSettings = RetentionSettings()
