"""Gaps and stalls are told once they last, and their end where their beginning was."""

from __future__ import annotations

from msgspec.structs import replace

from marketstream.messages import Gap, Stall
from storekeeper.alerts.alert import Alert
from storekeeper.alerts.faults import Faults

MARKET = "binance:BTC/USDT"
GAP = Gap(MARKET, 3, 5, 1_000_000, 2_000_000)
STALL = Stall(MARKET, 1_000_000, "trades")


def hear(faults: Faults, fault: Gap | Stall) -> None:
    faults.hear(fault, 1_000)


def told(faults: Faults, now_ms: int) -> list[str]:
    return [alert.text for alert in faults.take(now_ms, lambda *_: True)]


def test_a_gap_is_told_once_it_has_lasted_and_once_it_is_repaired() -> None:
    faults = Faults(30_000)
    hear(faults, GAP)
    assert told(faults, 30_999) == []
    began = "binance:BTC/USDT: 1 gap of 2 trades since 1970-01-01T00:00:01.000Z: "
    assert told(faults, 31_000) == [f"{began}0 lost, 1 still asked for"]
    hear(faults, GAP)
    assert told(faults, 32_000) == []
    hear(faults, replace(GAP, state="repaired"))
    assert told(faults, 33_000) == [f"{began}repaired"]
    hear(faults, replace(GAP, state="repaired"))
    assert told(faults, 34_000) == []


def test_what_is_mended_soon_is_told_by_nobody() -> None:
    faults = Faults(30_000)
    hear(faults, GAP)
    hear(faults, STALL)
    hear(faults, replace(GAP, state="repaired"))
    hear(faults, replace(STALL, end="quiet", until_us=2_000_000))
    assert told(faults, 99_000) == []


def test_a_lost_gap_is_told_at_once_and_once_more_where_it_was_told_as_open() -> None:
    faults = Faults(30_000)
    lost = replace(GAP, state="lost", reason="gone")
    hear(faults, lost)
    assert told(faults, 2_000)[0].endswith("1 lost, 0 still asked for")
    hear(faults, replace(GAP, first_id=9, end_id=10))
    assert told(faults, 40_000)[0].endswith("0 lost, 1 still asked for")
    hear(faults, replace(lost, first_id=9, end_id=10))
    assert told(faults, 41_000)[0].endswith("1 lost, 0 still asked for")


def test_all_that_is_new_of_a_market_makes_one_alert_and_waits_while_it_may_not_be_told() -> None:
    faults = Faults(0)
    hear(faults, GAP)
    assert [*faults.take(5_000, lambda *_: False)] == []
    hear(faults, replace(GAP, first_id=7, end_id=10))
    hear(faults, replace(GAP, market="kraken:BTC/USD"))
    first, other = faults.take(5_000, lambda *_: True)
    assert first.details == {"since_ms": 1_000, "count": 2, "trades": 5}
    assert (other.market, other.kind, other.subject) == ("kraken:BTC/USD", "gap", "began")


def test_a_stall_is_told_and_so_is_that_it_goes_on() -> None:
    faults = Faults(30_000)
    hear(faults, STALL)
    asked: list[tuple[str, str, str]] = []

    def may_tell(kind: str, market: str, subject: str) -> bool:
        asked.append((kind, market, subject))
        return True

    def take() -> list[Alert]:
        return faults.take(31_000, may_tell)

    assert "stalled, nothing since" in take()[0].text
    hear(faults, replace(STALL, end="zombie", until_us=40_000_000))
    assert "goes on" in take()[0].text
    assert asked == [("stall", MARKET, "began"), ("stall", MARKET, "ended")]


def test_the_end_of_a_stall_is_not_told_while_the_next_one_lasts() -> None:
    faults = Faults(0)
    second = replace(STALL, since_us=9_000_000)
    hear(faults, STALL)
    assert len(told(faults, 2_000)) == 1
    hear(faults, replace(STALL, end="resumed", until_us=8_000_000))
    hear(faults, second)
    assert "stalled" in told(faults, 10_000)[0]
    assert told(faults, 11_000) == []
    hear(faults, replace(second, end="resumed", until_us=12_000_000))
    (ended,) = told(faults, 13_000)
    assert "goes on, after a stall that began at 1970-01-01T00:00:01" in ended


def test_the_words_say_what_kind_of_stall_it_is() -> None:
    faults = Faults(0)
    hear(faults, STALL)
    assert "nothing since" in told(faults, 2_000)[0]
    hear(faults, replace(STALL, end="quiet", until_us=8_000_000))
    assert "was quiet since" in told(faults, 9_000)[0]
    quotes = Stall(MARKET, 20_000_000, "quotes")
    hear(faults, quotes)
    assert "no quotes since" in told(faults, 21_000)[0]
    hear(faults, replace(quotes, end="resumed", until_us=30_000_000))
    assert "quotes come again" in told(faults, 31_000)[0]


def test_a_gap_without_ids_is_of_an_unknown_number_of_trades() -> None:
    faults = Faults(0)
    hear(faults, replace(GAP, end_id=3, state="lost", reason="begun again"))
    assert "1 gap of an unknown number of trades" in told(faults, 2_000)[0]
