"""What the store keeps: messages as they are, but for what no column holds."""

from __future__ import annotations

import hashlib

import msgspec

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
)
from marketstream.messages.score_sums import ScoreSums
from marketstream.messages.seal import OutcomeSeal, Seal

type Stored = (
    Candle
    | Features
    | Prediction
    | Outcome
    | MoveForecast
    | MoveOutcome
    | Model
    | Gap
    | Stall
    | Audit
    | Seal
    | OutcomeSeal
    | ScoreSums
    | DeadLetter
)

TABLE_NAMES: dict[type, str] = {
    Candle: "candles",
    Features: "features",
    Prediction: "predictions",
    Outcome: "outcomes",
    MoveForecast: "move_forecasts",
    MoveOutcome: "move_outcomes",
    Model: "models",
    Gap: "gaps",
    Stall: "stalls",
    Audit: "audits",
    Seal: "seals",
    OutcomeSeal: "outcome_seals",
    ScoreSums: "score_sums",
    DeadLetter: "dead_letters",
}

NO_COLUMNS: dict[type, tuple[str, ...]] = {
    Features: ("forming", "high", "low", "volume"),
    Prediction: ("preview",),
}
"""Fields that are false of all that is kept, or that the candle beside it has."""


def columns_of(row: Stored) -> dict[str, object]:
    """Return a row as column name to value."""
    columns = msgspec.structs.asdict(row)
    for dropped in NO_COLUMNS.get(type(row), ()):
        del columns[dropped]
    if isinstance(row, DeadLetter):
        columns["digest"] = _digest(row)
    return columns


def _digest(letter: DeadLetter) -> str:
    """Hash the identity: raw bytes may be larger than an index takes."""
    return hashlib.sha256(msgspec.msgpack.encode(letter.identity)).hexdigest()
