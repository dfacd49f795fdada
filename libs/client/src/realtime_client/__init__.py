"""Reads predictions, what came of them and candles from a running system's API."""

from __future__ import annotations

from realtime_client.answers import (
    Accuracy,
    Candidate,
    Candle,
    Indicators,
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
from realtime_client.moves import JudgedMove, MarketMoves, Move, MoveOutcome, MoveScore

__all__ = [
    "Accuracy", "ApiError", "Candidate", "Candle", "Client", "ClientError", "Indicators", "Judged",
    "JudgedMove", "MarketMoves", "MarketPredictions", "Missed", "ModelName", "Move", "MoveOutcome",
    "MoveScore", "NotReachableError", "Outcome", "Prediction", "Symbol", "Told", "Verdict",
    "columns",
]  # fmt: skip
