"""How whole a market is follows from what is stored of it."""

from __future__ import annotations

import pytest

from marketstream.errors import SettingsError
from marketstream.integrity import (
    DoubtSeen,
    Epoch,
    GapSeen,
    Integrity,
    MendingSeen,
    ParitySeen,
    StallSeen,
    integrity,
    range_of,
)
from marketstream.messages import Gap, Mending, Stall
from marketstream.store.counts import AuditCounts, CandleCounts, Doubt, GapCounts, Ledger, Numbering

MARKET = "binance:BTC/USDT"
DAY_MS = 86_400_000
NOTHING = Ledger([], [], [], {}, [], [], [], [])
FINE = CandleCounts("250ms", 40, 38, 1, 1, 2, 3, 0, 9_750)


def whole(ledger: Ledger, mending: Mending | None = None) -> Integrity:
    return integrity(MARKET, 0, 10_000, ledger, mending)


def test_a_market_of_which_nothing_is_stored_is_sound_and_proves_nothing() -> None:
    found = whole(NOTHING)
    assert (found.sound, found.proven_until_ms, found.epochs, found.parity) == (
        True,
        None,
        [],
        None,
    )
    assert found.gap_counts == {"open": 0, "repaired": 0, "lost": 0}


def test_what_is_lost_or_unknown_is_declared_and_sound() -> None:
    lost = Gap(MARKET, 105, 108, 2_000_500, 3_000_500, "lost", "the exchange has no such trades")
    found = whole(
        NOTHING._replace(
            gaps=[lost],
            gap_counts=[GapCounts(0, "lost", 1, 3), GapCounts(0, "repaired", 4, 9)],
            numberings=[Numbering(0, 0, 10_000, 100, 200, 98)],
            candles=[FINE],
            doubts=[Doubt(2_000, 3_250, 5, complete=False)],
        )
    )
    assert found.sound
    assert found.proven_until_ms == 9_750
    assert found.gap_counts == {"open": 0, "repaired": 4, "lost": 1}
    assert found.gaps == [
        GapSeen(0, 105, 108, 3, 2_000, 3_000, "lost", "the exchange has no such trades")
    ]
    assert found.epochs == [Epoch(0, 0, 10_000, 100, 200, published=98, missing=3)]
    assert found.doubts == [DoubtSeen(2_000, 3_250, 5, complete=False)]


def test_missing_trades_are_of_the_numbering_they_were_given_in() -> None:
    found = whole(
        NOTHING._replace(
            numberings=[Numbering(0, 0, 5_000, 100, 200, 95), Numbering(1, 5_000, 10_000, 1, 9, 7)],
            gap_counts=[
                GapCounts(0, "lost", 2, 5), GapCounts(0, "open", 1, 1), GapCounts(1, "lost", 1, 2),
            ],
        )
    )  # fmt: skip
    assert [epoch.missing for epoch in found.epochs] == [6, 2]


def test_an_open_gap_is_not_sound() -> None:
    assert not whole(NOTHING._replace(gap_counts=[GapCounts(0, "open", 1, 3)])).sound


def test_a_candle_that_contradicts_its_certificate_is_not_sound() -> None:
    assert not whole(NOTHING._replace(candles=[FINE._replace(contradicted=1)])).sound


def test_a_stall_that_lasts_is_not_sound() -> None:
    ended, lasting = Stall(MARKET, 1_000_000, "trades", 2_000_000, "zombie"), Stall(
        MARKET, 9_800_000, "connection"
    )  # fmt: skip
    found = whole(
        NOTHING._replace(
            stalls=[ended, lasting], stall_counts={"open": 1, "zombie": 1}, candles=[FINE]
        )
    )
    assert not found.sound
    assert found.stalls == [
        StallSeen("trades", 1_000, 2_000, "zombie"), StallSeen("connection", 9_800, None, "open"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "stalls",
    [
        [Stall(MARKET, 4_000_000, "trades")],  # proof came after it
        [
            Stall(MARKET, 4_000_000, "quotes"),
            Stall(MARKET, 9_000_000, "trades", 9_100_000, "quiet"),
        ],
    ],
)
def test_how_a_stall_ended_that_outlived_its_process_is_unknown(stalls: list[Stall]) -> None:
    found = whole(
        NOTHING._replace(stalls=stalls, stall_counts={"open": 1, "quiet": 0}, candles=[FINE])
    )
    assert found.sound
    assert found.stalls[0].end == "unknown"
    assert (found.stall_counts["open"], found.stall_counts["unknown"]) == (0, 1)


def test_what_audits_found_is_told_by_timeframe() -> None:
    audits = [AuditCounts("1s", 20, 19, 1), AuditCounts("1m", 10, 10, 1)]
    found = whole(NOTHING._replace(audits=audits), Mending(1, 4, 2))
    assert found.parity == [ParitySeen("1s", 20, 19, 1), ParitySeen("1m", 10, 10, 0)]
    assert found.mending == MendingSeen(1, 4, 2)


def test_the_last_day_is_asked_for_where_nothing_is_said() -> None:
    now_ms = 100 * DAY_MS
    assert range_of(None, None, now_ms - 1_000, now_ms) == (now_ms - DAY_MS, now_ms)
    assert range_of(None, None, None, now_ms) == (now_ms - DAY_MS, now_ms)
    assert range_of(None, 50 * DAY_MS, None, now_ms) == (49 * DAY_MS, 50 * DAY_MS)


def test_the_last_day_of_a_recording_is_its_own() -> None:
    from_ms, to_ms = range_of(None, None, 50 * DAY_MS, 100 * DAY_MS)
    assert (to_ms - from_ms, from_ms < 50 * DAY_MS < to_ms) == (DAY_MS, True)


@pytest.mark.parametrize(
    ("from_ms", "to_ms", "part"),
    [
        (2_000, 2_000, "before it ends"),
        (3_000, 2_000, "before it ends"),
        (0, 32 * DAY_MS, "31 days"),
    ],
)
def test_a_range_that_is_empty_or_too_long_is_refused(from_ms: int, to_ms: int, part: str) -> None:
    with pytest.raises(SettingsError, match=part):
        range_of(from_ms, to_ms, None, 10**12)
