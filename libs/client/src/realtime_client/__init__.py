"""Reads predictions, what came of them and candles from a running system's API."""

from __future__ import annotations

from realtime_client.answers import (
    Candidate,
    Candle,
    Judged,
    MarketPredictions,
    Missed,
    ModelName,
    Outcome,
    Prediction,
    Symbol,
    Told,
    Verdict,
    columns,
)
from realtime_client.client import Client
from realtime_client.errors import ApiError, ClientError, NotReachableError

__all__ = [
    "ApiError", "Candidate", "Candle", "Client", "ClientError", "Judged", "MarketPredictions",
    "Missed", "ModelName", "NotReachableError", "Outcome", "Prediction", "Symbol", "Told",
    "Verdict", "columns",
]  # fmt: skip
