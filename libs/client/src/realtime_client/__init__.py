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
from realtime_client.explanation import Explanation, Terms
from realtime_client.integrity import Integrity
from realtime_client.moves import JudgedMove, MarketMoves, Move, MoveOutcome, MoveScore
from realtime_client.standing import (
    ChampionChanged,
    KnownKey,
    ModelRecord,
    OnPaper,
    Proof,
    ReliabilityBin,
    Score,
    Standing,
)
from realtime_client.windows import HorizonScores, HourScore, RollingScores, WindowScore

__all__ = [
    "Accuracy", "ApiError", "Candidate", "Candle", "ChampionChanged", "Client", "ClientError",
    "Explanation", "HorizonScores", "HourScore", "Indicators", "Integrity", "Judged",
    "JudgedMove", "KnownKey", "MarketMoves", "MarketPredictions", "Missed", "ModelName",
    "ModelRecord", "Move", "MoveOutcome", "MoveScore", "NotReachableError", "OnPaper", "Outcome",
    "Prediction", "Proof", "ReliabilityBin", "RollingScores", "Score", "Standing", "Symbol",
    "Terms", "Told", "Verdict", "WindowScore", "columns",
]  # fmt: skip
