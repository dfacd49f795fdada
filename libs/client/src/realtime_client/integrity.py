"""How whole a market is over a range of time, typed."""

from __future__ import annotations

import msgspec


class Epoch(msgspec.Struct, frozen=True):
    """A numbering of trades: the ids seen, trades published, and ids of gaps not repaired."""

    epoch: int
    from_ms: int
    to_ms: int
    first_id: int | None
    last_id: int | None
    published: int
    missing: int


class GapSeen(msgspec.Struct, frozen=True):
    """Ids `[first_id, end_id)` that were not seen, and what became of them.

    The `state` is open, repaired or lost; `ids` is 0 where a numbering ended.
    """

    epoch: int
    first_id: int
    end_id: int
    ids: int
    since_ms: int
    until_ms: int | None
    state: str
    reason: str | None


class StallSeen(msgspec.Struct, frozen=True):
    """A silence longer than the market ever is, and how it ended."""

    channel: str
    since_ms: int
    until_ms: int | None
    end: str


class CandlesSeen(msgspec.Struct, frozen=True):
    """Closed candles of a timeframe by their certificate."""

    timeframe: str
    candles: int
    complete: int
    incomplete: int
    unknown: int
    filled: int
    revised: int
    contradicted: int
    proven_until_ms: int | None


class DoubtSeen(msgspec.Struct, frozen=True):
    """Candles on end that lack trades (`complete` false) or of which nobody can tell (None)."""

    since_ms: int
    until_ms: int
    candles: int
    complete: bool | None


class ParitySeen(msgspec.Struct, frozen=True):
    """Complete candles of a timeframe that were compared with the exchange's own."""

    timeframe: str
    compared: int
    equal: int
    different: int


class MendingSeen(msgspec.Struct, frozen=True):
    """What is done about stored candles: stretches that wait, candles folded anew and marked."""

    queued: int
    mended: int
    marked: int


class Integrity(msgspec.Struct, frozen=True):
    """How whole a market is over `[from_ms, to_ms)`; `sound` where nothing is left to be told.

    Up to `proven_until_ms` it is known of every candle whether it is complete. Of gaps, stalls and
    doubts the newest are listed, and the counts are of all.
    """

    market: str
    from_ms: int
    to_ms: int
    sound: bool
    proven_until_ms: int | None
    epochs: list[Epoch]
    gap_counts: dict[str, int]
    gaps: list[GapSeen]
    stall_counts: dict[str, int]
    stalls: list[StallSeen]
    candles: list[CandlesSeen]
    doubts: list[DoubtSeen]
    parity: list[ParitySeen] | None
    mending: MendingSeen | None
