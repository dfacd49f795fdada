"""What the store keeps, beside the messages that are kept as they are."""

from __future__ import annotations

import hashlib

import msgspec

from marketstream.messages import Candle, DeadLetter, Outcome, Prediction


class PredictionRow(msgspec.Struct, frozen=True):
    """A prediction, when it was made, and how long after the receipt of what led to it.

    `late` says that it was made after its own outcome time, and so is never scored.
    """

    prediction: Prediction
    made_at_ms: int
    latency_us: int
    late: bool = False


class ModelRow(msgspec.Struct, frozen=True):
    """A trained model: what for, trained when and on how many rows, and how good."""

    market: str
    timeframe: str
    horizon_ms: int
    name: str
    version: str
    trained_at_ms: int
    rows: int
    metrics: dict[str, float | None]


type Stored = Candle | DeadLetter | Outcome | PredictionRow | ModelRow

TABLE_NAMES: dict[type, str] = {
    Candle: "candles",
    PredictionRow: "predictions",
    Outcome: "outcomes",
    ModelRow: "models",
    DeadLetter: "dead_letters",
}


def columns_of(row: Stored) -> dict[str, object]:
    """Return a row as column name to value."""
    if isinstance(row, PredictionRow):
        columns = msgspec.structs.asdict(row.prediction)
        for name in ("preview", "feature_set"):  # a preview is never stored
            del columns[name]
        return columns | {
            "made_at_ms": row.made_at_ms,
            "latency_us": row.latency_us,
            "late": row.late,
        }
    if isinstance(row, Outcome):
        columns = msgspec.structs.asdict(row)
        del columns["late"]
        return columns
    if isinstance(row, DeadLetter):
        return msgspec.structs.asdict(row) | {"digest": _digest(row)}
    return msgspec.structs.asdict(row)


def _digest(letter: DeadLetter) -> str:
    """Hash the identity: raw bytes may be larger than an index takes."""
    return hashlib.sha256(msgspec.msgpack.encode(letter.identity)).hexdigest()
