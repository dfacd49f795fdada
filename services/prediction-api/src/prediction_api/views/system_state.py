"""What services say of themselves, as the API shows it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class WarmingUp(msgspec.Struct, frozen=True):
    """Why a market has no prediction yet: what is missing, and how far it is."""

    detail: str
    seen_ms: int
    needed_ms: int


class FeedState(msgspec.Struct, frozen=True):
    """The connection to the exchange, how many trade ids were never seen, and the parity.

    `parity` is the share of `compared` complete candles that equal the exchange's own. Counts are
    None where nobody has told of them yet.
    """

    exchange: str
    connected: bool
    reconnects: int | None
    missing_trades: int | None
    parity: float | None = None
    compared: int = 0


class ModelState(msgspec.Struct, frozen=True):
    """The model that serves one horizon; `trainings` counts those of this run."""

    name: str
    version: str
    trained_at_ms: int
    rows: int
    trainings: int


class SystemState(msgspec.Struct, frozen=True):
    """The feed of a market, and its models by horizon."""

    feed: FeedState
    models: Mapping[int, ModelState]
