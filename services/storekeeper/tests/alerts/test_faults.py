"""Gaps and stalls are told once they last, and their end where their beginning was."""

from __future__ import annotations

from msgspec.structs import replace

from marketstream.messages import Gap, Stall
from storekeeper.alerts.alert import Alert
from storekeeper.alerts.faults import Faults

MARKET = "binance:BTC/USDT"
GAP = Gap(MARKET, 3, 5, 1_000_000, 2_000_000)
STALL = Stall(MARKET, 1_000_000, "trades")


def told(faults: Faults, now_ms: int) -> list[str]:
    return [alert.text for alert in faults.take(now_ms, lambda *_: True)]


def test_a_gap_is_told_once_it_has_lasted_and_once_it_is_repaired() -> None:
    faults = Faults(30_000)
    faults.hear(GAP)
    assert told(faults, 30_999) == []
    began = "binance:BTC/USDT: 1 gap of 2 trades since 1970-01-01T00:00:01.000Z: "
    assert told(faults, 31_000) == [f"{began}0 lost, 1 still asked for"]
    faults.hear(GAP)
    assert told(faults, 32_000) == []
    faults.hear(replace(GAP, state="repaired"))
    assert told(faults, 33_000) == [f"{began}repaired"]
    faults.hear(replace(GAP, state="repaired"))
    assert told(faults, 34_000) == []


def test_what_is_mended_soon_is_told_by_nobody() -> None:
    faults = Faults(30_000)
    faults.hear(GAP)
    faults.hear(STALL)
    faults.hear(replace(GAP, state="repaired"))
    faults.hear(replace(STALL, end="quiet", until_us=2_000_000))
    assert told(faults, 99_000) == []


def test_a_lost_gap_is_told_at_once_and_once_more_where_it_was_told_as_open() -> None:
    faults = Faults(30_000)
    lost = replace(GAP, state="lost", reason="gone")
    faults.hear(lost)
    assert told(faults, 2_000)[0].endswith("1 lost, 0 still asked for")
    faults.hear(replace(GAP, first_id=9, end_id=10))
    assert told(faults, 40_000)[0].endswith("0 lost, 1 still asked for")
    faults.hear(replace(lost, first_id=9, end_id=10))
    assert told(faults, 41_000)[0].endswith("1 lost, 0 still asked for")


def test_all_that_is_new_of_a_market_makes_one_alert_and_waits_while_it_may_not_be_told() -> None:
    faults = Faults(0)
    faults.hear(GAP)
    assert [*faults.take(5_000, lambda *_: False)] == []
    faults.hear(replace(GAP, first_id=7, end_id=10))
    faults.hear(replace(GAP, market="kraken:BTC/USD"))
    first, other = faults.take(5_000, lambda *_: True)
    assert first.details == {"since_ms": 1_000, "count": 2, "trades": 5}
    assert (other.market, other.kind, other.subject) == ("kraken:BTC/USD", "gap", "began")


def test_a_stall_is_told_and_so_is_that_it_goes_on() -> None:
    faults = Faults(30_000)
    faults.hear(STALL)
    asked: list[tuple[str, str, str]] = []

    def may_tell(kind: str, market: str, subject: str) -> bool:
        asked.append((kind, market, subject))
        return True

    def take() -> list[Alert]:
        return faults.take(31_000, may_tell)

    assert "stalled, nothing since" in take()[0].text
    faults.hear(replace(STALL, end="zombie", until_us=40_000_000))
    assert "goes on" in take()[0].text
    assert asked == [("stall", MARKET, "began"), ("stall", MARKET, "ended")]
