"""How whole a market is over a range of time: what is proven, what is missing, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from marketstream.errors import SettingsError
from marketstream.messages import Channel, GapState, Mending, Stall, StallEnd
from marketstream.moments import iso
from marketstream.store.counts import AuditCounts, CandleCounts, Ledger

type StallOutcome = Literal["open", "quiet", "resumed", "zombie", "unknown"]

_US_PER_MS = 1_000
_DAY_MS = 86_400_000
_LONGEST_DAYS = 31
_LONGEST_SILENCE_MS = 60_000  # that is believed: what ended later than its candles ended by then


@dataclass(frozen=True, slots=True)
class Epoch:
    """A numbering of trades: when and which ids were seen, trades, and ids of gaps not repaired."""

    epoch: int
    from_ms: int
    to_ms: int
    first_id: int | None
    last_id: int | None
    published: int
    missing: int


@dataclass(frozen=True, slots=True)
class GapSeen:
    """Ids `[first_id, end_id)` that were not seen, between which times, and what became of them.

    `ids` counts them; it is 0 where a numbering ended, and nobody knows what was missed.
    """

    epoch: int
    first_id: int
    end_id: int
    ids: int
    since_ms: int
    until_ms: int | None
    state: GapState
    reason: str | None


@dataclass(frozen=True, slots=True)
class StallSeen:
    """A silence longer than the market ever is, and how it ended.

    `unknown` means that nobody was there any more to say how.
    """

    channel: Channel
    since_ms: int
    until_ms: int | None
    end: StallOutcome


@dataclass(frozen=True, slots=True)
class CandlesSeen:
    """Closed candles of a timeframe by their certificate.

    `filled` had trades missing that have come since, `revised` were changed after they closed;
    `contradicted` are called complete though their ids say otherwise: there are none, ever.
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


@dataclass(frozen=True, slots=True)
class DoubtSeen:
    """Candles on end that lack trades (`complete` false) or of which nobody can tell (null)."""

    since_ms: int
    until_ms: int
    candles: int
    complete: bool | None


@dataclass(frozen=True, slots=True)
class ParitySeen:
    """Complete candles of a timeframe that were compared with the exchange's own."""

    timeframe: str
    compared: int
    equal: int
    different: int


@dataclass(frozen=True, slots=True)
class MendingSeen:
    """What is done about stored candles: stretches that wait, candles folded anew and marked."""

    queued: int
    mended: int
    marked: int


@dataclass(frozen=True, slots=True)
class Integrity:
    """How whole a market is over `[from_ms, to_ms)`.

    `sound` says that nothing is left to be told: no gap is open, no stall lasts, and no candle
    contradicts its certificate. What is lost or unknown is declared, and sound.
    Up to `proven_until_ms` it is known of every candle whether it is complete. Of gaps, stalls and
    doubts the newest are listed, and `gap_counts` and `stall_counts` count all.
    `parity` is what audits of its candles found, None where there were none, `mending` what is said
    of mending since it was started, None where nothing is.
    """

    market: str
    from_ms: int
    to_ms: int
    sound: bool
    proven_until_ms: int | None
    epochs: list[Epoch]
    gap_counts: dict[GapState, int]
    gaps: list[GapSeen]
    stall_counts: dict[StallOutcome, int]
    stalls: list[StallSeen]
    candles: list[CandlesSeen]
    doubts: list[DoubtSeen]
    parity: list[ParitySeen] | None
    mending: MendingSeen | None


def integrity(
    market: str,
    from_ms: int,
    to_ms: int,
    ledger: Ledger,
    mending: Mending | None = None,
) -> Integrity:
    """Make the integrity of a market out of what is stored, and what is said of mending."""
    proven_until_ms = _proven_until_ms(ledger.candles)
    stalls = _stalls(ledger.stalls, proven_until_ms)
    gap_counts = _gap_counts(ledger)
    open_stalls = sum(stall.end == "open" for stall in stalls)
    is_sound = (
        not gap_counts["open"]
        and not open_stalls
        and not any(counts.contradicted for counts in ledger.candles)
    )
    return Integrity(
        market,
        from_ms,
        to_ms,
        is_sound,
        proven_until_ms,
        _epochs(ledger),
        gap_counts,
        [
            GapSeen(
                gap.epoch,
                gap.first_id,
                gap.end_id,
                gap.end_id - gap.first_id,
                gap.since_us // _US_PER_MS,
                None if gap.until_us is None else gap.until_us // _US_PER_MS,
                gap.state,
                gap.reason,
            )
            for gap in ledger.gaps
        ],
        _stall_counts(ledger.stall_counts, open_stalls),
        stalls,
        [CandlesSeen(*counts) for counts in ledger.candles],
        [DoubtSeen(*doubt) for doubt in ledger.doubts],
        _parity(ledger.audits) or None,
        None if mending is None else MendingSeen(mending.queued, mending.mended, mending.marked),
    )


def range_of(
    from_ms: int | None, to_ms: int | None, newest_ms: int | None, now_ms: int
) -> tuple[int, int]:
    """Return the range that is asked for: the last day, where nothing else is said.

    A market whose newest candle closed more than a day ago, such as a recording's, has its own last
    day. Raises SettingsError for a range that is empty, or longer than 31 days.
    """
    if to_ms is None:
        is_past = newest_ms is not None and newest_ms < now_ms - _DAY_MS and from_ms is None
        to_ms = newest_ms + _LONGEST_SILENCE_MS if is_past and newest_ms is not None else now_ms
    if from_ms is None:
        from_ms = to_ms - _DAY_MS
    if from_ms >= to_ms:
        raise SettingsError(
            f"from {iso(from_ms)} to {iso(to_ms)} is no range: it has to begin before it ends"
        )
    if to_ms - from_ms > _LONGEST_DAYS * _DAY_MS:
        raise SettingsError(
            f"from {iso(from_ms)} to {iso(to_ms)} is longer than {_LONGEST_DAYS} days: "
            "ask for parts of it"
        )
    return from_ms, to_ms


def _proven_until_ms(candles: list[CandleCounts]) -> int | None:
    return next((counts.proven_until_ms for counts in candles), None)


def _epochs(ledger: Ledger) -> list[Epoch]:
    missing: dict[int, int] = {}
    for counts in ledger.gap_counts:
        if counts.state != "repaired":
            missing[counts.epoch] = missing.get(counts.epoch, 0) + counts.ids
    return [Epoch(*numbering, missing.get(numbering.epoch, 0)) for numbering in ledger.numberings]


def _gap_counts(ledger: Ledger) -> dict[GapState, int]:
    found: dict[GapState, int] = {"open": 0, "repaired": 0, "lost": 0}
    for counts in ledger.gap_counts:
        found[counts.state] += counts.gaps
    return found


def _stalls(stalls: list[Stall], proven_until_ms: int | None) -> list[StallSeen]:
    """Show stalls; one that is open, and over nevertheless, ended unknown.

    A market has one stall at a time, and nothing is proven in one of its trades: where there is a
    later stall or proof, whoever watched had stopped before saying how it ended.
    """
    newest = max(stalls, key=lambda stall: stall.since_us, default=None)
    proven_us = (proven_until_ms or 0) * _US_PER_MS

    def outcome(stall: Stall) -> StallOutcome:
        if stall.end != "open":
            return stall.end
        is_over = stall is not newest or (stall.channel != "quotes" and proven_us > stall.since_us)
        return "unknown" if is_over else "open"

    return [
        StallSeen(
            stall.channel,
            stall.since_us // _US_PER_MS,
            None if stall.until_us is None else stall.until_us // _US_PER_MS,
            outcome(stall),
        )
        for stall in stalls
    ]


def _stall_counts(counts: Mapping[StallEnd, int], open_stalls: int) -> dict[StallOutcome, int]:
    return {
        "open": open_stalls,
        "quiet": counts.get("quiet", 0),
        "resumed": counts.get("resumed", 0),
        "zombie": counts.get("zombie", 0),
        "unknown": counts.get("open", 0) - open_stalls,
    }


def _parity(audits: list[AuditCounts]) -> list[ParitySeen]:
    return [
        ParitySeen(counts.timeframe, counts.compared, counts.equal, counts.compared - counts.equal)
        for counts in audits
    ]
