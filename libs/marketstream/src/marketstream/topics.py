"""The topics messages travel on, and the type of message each carries."""

from __future__ import annotations

from typing import NamedTuple

from marketstream.messages import (
    Audit,
    Candle,
    DeadLetter,
    Features,
    Gap,
    Model,
    MoveForecast,
    MoveOutcome,
    Outcome,
    Prediction,
    Stall,
    Status,
    Trades,
)

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS


class Topic(NamedTuple):
    """A name, the one type of message that travels under it, and how long a broker keeps them."""

    name: str
    message: type
    retention_ms: int = 7 * _DAY_MS


TRADES = Topic("trades", Trades, 6 * _HOUR_MS)  # much the largest, and read within moments
CANDLES = Topic("candles", Candle)
FEATURES = Topic("technical_indicators", Features, _DAY_MS)
PREDICTIONS = Topic("predictions", Prediction)
OUTCOMES = Topic("outcomes", Outcome)
MOVE_FORECASTS = Topic("move_forecasts", MoveForecast)
MOVE_OUTCOMES = Topic("move_outcomes", MoveOutcome)
GAPS = Topic("gaps", Gap)
STALLS = Topic("stalls", Stall)
AUDITS = Topic("audits", Audit)
MODELS = Topic("models", Model, 30 * _DAY_MS)
STATUS = Topic("status", Status, _HOUR_MS)  # said again and again
DEAD_LETTERS = Topic("dead_letters", DeadLetter, 30 * _DAY_MS)  # people look at them

ALL_TOPICS = (
    TRADES,
    CANDLES,
    FEATURES,
    PREDICTIONS,
    OUTCOMES,
    MOVE_FORECASTS,
    MOVE_OUTCOMES,
    GAPS,
    STALLS,
    AUDITS,
    MODELS,
    STATUS,
    DEAD_LETTERS,
)

KEPT_TOPICS = (
    CANDLES,
    FEATURES,
    PREDICTIONS,
    OUTCOMES,
    MOVE_FORECASTS,
    MOVE_OUTCOMES,
    MODELS,
    GAPS,
    STALLS,
    AUDITS,
    DEAD_LETTERS,
)
"""What the store keeps."""
