"""What the store knows of how whole a market is over a range of time, counted."""

from __future__ import annotations

from typing import NamedTuple

from marketstream.messages import Gap, GapState, Stall, StallEnd


class CandleCounts(NamedTuple):
    """How many closed candles of a timeframe there are, by their certificate.

    `complete`, `incomplete` and `unknown` add up to `candles`. `filled` had trades missing that
    have come since, `revised` were changed after they closed; `contradicted` are called complete
    though they hold another number of trades than their ids say. Up to `proven_until_ms` somebody
    could tell of every candle whether it is complete, None where of none.
    """

    timeframe: str
    candles: int
    complete: int
    incomplete: int
    unknown: int
    filled: int
    revised: int
    contradicted: int
    proven_until_ms: int | None


class AuditCounts(NamedTuple):
    """How the candles of a timeframe that were audited compare with the exchange's own.

    So many complete ones were `compared`, and so many of them `equal`; `incomplete` count apart.
    """

    timeframe: str
    compared: int
    equal: int
    incomplete: int


class GapCounts(NamedTuple):
    """How many gaps of a numbering are in a state, and how many ids they span."""

    epoch: int
    state: GapState
    gaps: int
    ids: int


class Numbering(NamedTuple):
    """A numbering of trades within the range: `epoch`, the ids seen of it, and how many trades.

    It goes from `from_ms` to `to_ms`; candles in which one ended and the next began count in
    neither.
    """

    epoch: int
    from_ms: int
    to_ms: int
    first_id: int | None
    last_id: int | None
    trades: int


class Doubt(NamedTuple):
    """So many candles on end that are incomplete (False), or of which nobody can tell (None)."""

    since_ms: int
    until_ms: int
    candles: int
    complete: bool | None


class Ledger(NamedTuple):
    """All of it; `doubts` and `numberings` are told by the candles of the finest timeframe.

    Gaps and stalls are those that reach into the range, audits those that begin in it. Of gaps,
    stalls and doubts the newest are listed, in order of time, and all counted.
    """

    gaps: list[Gap]
    gap_counts: list[GapCounts]
    stalls: list[Stall]
    stall_counts: dict[StallEnd, int]
    numberings: list[Numbering]
    candles: list[CandleCounts]
    doubts: list[Doubt]
    audits: list[AuditCounts]
