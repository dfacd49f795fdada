"""The tables, in SQLAlchemy Core; columns stand in the order of the fields they keep.

`migrations/` builds the same tables step by step; a test holds the two together.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Double,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

from marketstream.messages import Context, Depth, Said


class Json(TypeDecorator[dict[str, Any]]):
    """A mapping kept as JSON text, which every database and every tool can read."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: dict[str, Any] | None, dialect: Dialect) -> str:
        """Encode; a number that is not finite becomes null."""
        del dialect
        return msgspec.json.encode(value).decode()

    def process_result_value(self, value: Any | None, dialect: Dialect) -> dict[str, Any]:
        """Decode what was encoded."""
        del dialect
        decoded: dict[str, Any] = msgspec.json.decode(value or "{}")
        return decoded


class StructJson(TypeDecorator[Any]):
    """A struct kept as JSON text, NULL where there is none."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: type[msgspec.Struct]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: msgspec.Struct | None, dialect: Dialect) -> str | None:
        """Encode."""
        del dialect
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: Any | None, dialect: Dialect) -> msgspec.Struct | None:
        """Decode what was encoded."""
        del dialect
        return None if value is None else msgspec.json.decode(value, type=self.kind)


class CandidatesJson(TypeDecorator[dict[str, Said]]):
    """What candidates said kept as JSON text, NULL where none said anything."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: dict[str, Said] | None, dialect: Dialect) -> str | None:
        """Encode."""
        del dialect
        return msgspec.json.encode(value).decode() if value else None

    def process_result_value(self, value: Any | None, dialect: Dialect) -> dict[str, Said]:
        """Decode what was encoded."""
        del dialect
        return msgspec.json.decode(value or "{}", type=dict[str, Said])


class QuantilesJson(TypeDecorator[tuple[float, ...]]):
    """Quantiles kept as JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[float, ...] | None, dialect: Dialect) -> str:
        """Encode."""
        del dialect
        return msgspec.json.encode(value or ()).decode()

    def process_result_value(self, value: Any | None, dialect: Dialect) -> tuple[float, ...]:
        """Decode what was encoded."""
        del dialect
        return msgspec.json.decode(value or "[]", type=tuple[float, ...])


METADATA = MetaData(naming_convention={"pk": "pk_%(table_name)s", "ix": "ix_%(column_0_label)s"})


def _key(name: str, kind: type[Text | BigInteger]) -> Column[Any]:
    # A number in a key would get a sequence of its own in some databases.
    return Column(name, kind, primary_key=True, autoincrement=False)


def _value(name: str, kind: type[Any] | StructJson, *, nullable: bool = False) -> Column[Any]:
    return Column(name, kind, nullable=nullable)


CANDLES = Table(
    "candles",
    METADATA,
    _key("market", Text),
    _key("timeframe", Text),
    _key("open_time_ms", BigInteger),
    _value("close_time_ms", BigInteger),
    _value("open", Double),
    _value("high", Double),
    _value("low", Double),
    _value("close", Double),
    _value("volume", Double),
    _value("quote_volume", Double),
    _value("trade_count", BigInteger),
    _value("taker_buy_volume", Double),
    _value("taker_buy_quote_volume", Double),
    _value("bid", Double, nullable=True),
    _value("bid_quantity", Double, nullable=True),
    _value("ask", Double, nullable=True),
    _value("ask_quantity", Double, nullable=True),
    _value("first_buy", Double, nullable=True),
    _value("first_sell", Double, nullable=True),
    _value("first_trade_id", BigInteger, nullable=True),
    _value("last_trade_id", BigInteger, nullable=True),
    _value("state", Text),
    _value("revision", BigInteger),
    _value("complete", Boolean, nullable=True),
    _value("filled", Boolean),
    _value("expected_count", BigInteger, nullable=True),
    _value("late_count", BigInteger),
    _value("depth", StructJson(Depth), nullable=True),
    _value("context", StructJson(Context), nullable=True),
)

FEATURES = Table(
    "features",
    METADATA,
    _key("market", Text),
    _key("timeframe", Text),
    _key("close_time_ms", BigInteger),
    _value("values", Json),
    _value("bid", Double, nullable=True),
    _value("ask", Double, nullable=True),
    _value("close", Double),
    _key("feature_set", Text),
    _value("complete", Boolean),
    _value("first_buy", Double, nullable=True),
    _value("first_sell", Double, nullable=True),
)

PREDICTIONS = Table(
    "predictions",
    METADATA,
    _key("market", Text),
    _key("timeframe", Text),
    _key("close_time_ms", BigInteger),
    _key("horizon_ms", BigInteger),
    _key("role", Text),
    _value("model_name", Text),
    _key("model_version", Text),
    _value("label_latency_ms", BigInteger),
    _value("mid", Double),
    _value("close", Double),
    _value("expected_return", Double),
    _value("predicted_price", Double),
    _value("p_up", Double),
    _value("p_flat", Double),
    _value("p_down", Double),
    _value("low", Double),
    _value("high", Double),
    _value("level", Double),
    _value("direction", Text),
    _value("reason", Text, nullable=True),
    _value("answers", Json),
    _value("feature_set", Text),
    _value("made_at_ms", BigInteger, nullable=True),
    _value("latency_us", BigInteger, nullable=True),
    _value("late", Boolean),
    _value("candidates", CandidatesJson, nullable=True),
)

OUTCOMES = Table(
    "outcomes",
    METADATA,
    _key("market", Text),
    _key("timeframe", Text),
    _key("close_time_ms", BigInteger),
    _key("horizon_ms", BigInteger),
    _key("role", Text),
    _key("model_version", Text),
    _value("realised_mid", Double),
    _value("realised_return", Double),
    _value("close_return", Double),
    _value("verdict", Text),
    _value("close_verdict", Text),
    _value("inside", Boolean),
    _value("baselines", Json),
    _value("late", Boolean),
)

MOVE_FORECASTS = Table(
    "move_forecasts",
    METADATA,
    _key("market", Text),
    _key("timeframe", Text),
    _key("close_time_ms", BigInteger),
    _key("horizon_ms", BigInteger),
    _key("target", Text),
    _value("model_name", Text),
    _value("model_version", Text),
    _value("price", Text),
    _value("label_latency_ms", BigInteger),
    _value("mean", Double),
    _value("quantiles", QuantilesJson),
    _value("baselines", Json),
    _value("floor", Double, nullable=True),
    _value("made_at_ms", BigInteger, nullable=True),
    _value("latency_us", BigInteger, nullable=True),
    _value("late", Boolean),
)

MOVE_OUTCOMES = Table(
    "move_outcomes",
    METADATA,
    _key("market", Text),
    _key("timeframe", Text),
    _key("close_time_ms", BigInteger),
    _key("horizon_ms", BigInteger),
    _key("target", Text),
    _value("model_name", Text),
    _value("model_version", Text),
    _value("realised", Double),
    _value("still", Boolean),
    _value("qlike", Double, nullable=True),
    _value("baselines", Json),
    _value("crps", Double, nullable=True),
    _value("inside_80", Boolean, nullable=True),
    _value("inside_90", Boolean, nullable=True),
    _value("late", Boolean),
)

PACKED = Table(
    "packed",
    METADATA,
    _key("kind", Text),
    _key("market", Text),
    _key("timeframe", Text),
    _key("from_ms", BigInteger),
    _value("to_ms", BigInteger),
    _value("rows", BigInteger),
    _value("data", LargeBinary),
)
"""Stretches of rows of other tables; `kind` is the table that they were in."""

MODELS = Table(
    "models",
    METADATA,
    _key("market", Text),
    _key("timeframe", Text),
    _key("horizon_ms", BigInteger),
    _key("name", Text),
    _key("version", Text),
    _value("trained_at_ms", BigInteger),
    _value("rows", BigInteger),
    _value("metrics", Json),
    _key("since_ms", BigInteger),
    _value("why", Text),
)

GAPS = Table(
    "gaps",
    METADATA,
    _key("market", Text),
    _key("first_id", BigInteger),
    _key("end_id", BigInteger),
    _value("since_us", BigInteger),
    _value("until_us", BigInteger, nullable=True),
    _value("state", Text),
    _value("reason", Text, nullable=True),
    _key("epoch", BigInteger),
)

STALLS = Table(
    "stalls",
    METADATA,
    _key("market", Text),
    _key("since_us", BigInteger),
    _key("channel", Text),
    _value("until_us", BigInteger, nullable=True),
    _value("end", Text),
)

SEALS = Table(
    "seals",
    METADATA,
    _key("market", Text),
    _key("timeframe", Text),
    _key("from_ms", BigInteger),
    _value("to_ms", BigInteger),
    _value("predictions", BigInteger),
    _value("digest", Text),
    _value("previous", Text),
    _value("hash", Text),
)

OUTCOME_SEALS = Table(
    "outcome_seals",
    METADATA,
    _key("market", Text),
    _key("timeframe", Text),
    _key("from_ms", BigInteger),
    _value("to_ms", BigInteger),
    _value("outcomes", BigInteger),
    _value("digest", Text),
    _value("previous", Text),
    _value("hash", Text),
)

SCORE_SUMS = Table(
    "score_sums",
    METADATA,
    _key("market", Text),
    _key("timeframe", Text),
    _key("from_ms", BigInteger),
    _value("to_ms", BigInteger),
    _value("names", Text),
    _value("sums", LargeBinary),
)

AUDITS = Table(
    "audits",
    METADATA,
    _key("market", Text),
    _key("timeframe", Text),
    _key("from_ms", BigInteger),
    _value("to_ms", BigInteger),
    _value("compared", BigInteger),
    _value("equal", BigInteger),
    _value("incomplete", BigInteger),
)

DEAD_LETTERS = Table(
    "dead_letters",
    METADATA,
    _value("source", Text),
    _value("raw", LargeBinary),
    _value("reason", Text),
    _value("received_us", BigInteger),
    _value("size", BigInteger, nullable=True),
    _value("sha256", Text, nullable=True),
    _value("more", BigInteger),
    _key("digest", Text),
    Index(None, "received_us"),
)

API_KEYS = Table(
    "api_keys",
    METADATA,
    _key("name", Text),
    _value("role", Text),
    _value("digest", Text),
    _value("made_at_ms", BigInteger),
)


def column_types(table: str) -> dict[str, type]:
    """Return the names of a table's columns and what they hold: int, float, bool, or str."""
    return {
        column.name: str if isinstance(column.type, TypeDecorator) else column.type.python_type
        for column in METADATA.tables[table].columns
    }
