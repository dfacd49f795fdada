"""Which candles are looked at again, and what gaps that are lost make of them."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from marketstream.messages import Candle, Context, Depth, Gap
from storekeeper.touched import (
    disagreed,
    groups,
    marks,
    mended,
    seams,
    touches,
    unsettled,
    witnesses,
)

MARKET = "binance:BTC/USDT"


def candle(second: int, first_id: int | None, count: int) -> Candle:
    return Candle(
        MARKET, "1s", second * 1_000, second * 1_000 + 1_000, 1.0, 2.0, 1.0, 2.0, 1.0, 1.0, count,
        0.5, 0.5, first_trade_id=first_id, expected_count=count,
        last_trade_id=None if first_id is None else first_id + count - 1,
    )  # fmt: skip


def gap(since_us: int, until_us: int | None, state: str = "lost") -> Gap:
    return Gap(MARKET, 10, 14, since_us, until_us, state)  # type: ignore[arg-type]


def test_candles_whose_ids_follow_on_each_other_are_settled() -> None:
    assert unsettled([candle(1, 5, 3), candle(2, None, 0), candle(3, 8, 2)]) == []


def test_a_jump_in_ids_unsettles_all_between_though_each_is_called_complete() -> None:
    candles = [candle(1, 5, 3), candle(2, None, 0), candle(3, 9, 2), candle(4, 11, 1)]
    assert unsettled(candles) == candles[:3]


def test_a_jump_over_candles_that_are_not_stored_tells_nothing() -> None:
    assert unsettled([candle(1, 5, 3), candle(3, 20, 2)]) == []


def test_fewer_trades_than_ids_and_certificates_that_do_not_say_yes_unsettle() -> None:
    fewer = replace(candle(1, 5, 3), trade_count=2)
    unknown = replace(candle(2, 8, 1), complete=None)
    lacking = replace(candle(3, 9, 1), complete=False)
    assert unsettled([fewer, unknown, lacking, candle(4, 10, 1)]) == [fewer, unknown, lacking]


def test_a_gap_touches_what_holds_its_sides_and_what_is_between() -> None:
    seconds = [candle(second, None, 0) for second in range(6)]
    touched = [one.open_time_ms for one in seconds if touches(gap(1_999_999, 4_000_000), one)]
    assert touched == [1_000, 2_000, 3_000, 4_000]
    turned = [one.open_time_ms for one in seconds if touches(gap(4_000_000, 1_999_999), one)]
    assert turned == touched
    assert [one for one in seconds if touches(gap(1_500_000, None), one)] == [seconds[1]]


def test_what_is_lost_is_marked_once_and_repaired_gaps_mark_nothing() -> None:
    one, known = candle(1, 5, 3), replace(candle(2, 8, 1), complete=False)
    (marked,) = marks([one, known], [gap(1_000_000, 3_000_000)])
    assert marked == replace(one, complete=False, expected_count=7, revision=1)
    assert marks([one, known], [gap(1_000_000, 3_000_000, "repaired")]) == []


def test_at_a_seam_complete_becomes_unknown_and_incomplete_stays() -> None:
    seam = Gap(MARKET, 7, 7, 1_000_000, 2_500_000, "lost", None, 1)
    one, known = candle(1, 5, 3), replace(candle(2, 8, 1), complete=False)
    assert marks([one, known], [seam]) == [
        replace(one, complete=None, expected_count=None, revision=1)
    ]


def test_mending_keeps_the_book_and_is_silent_where_nothing_differs() -> None:
    depth = Depth(((1.0, 1.0),), ((2.0, 1.0),), 1)
    beside: dict[str, Any] = {"depth": depth, "context": Context(1)}
    stored = replace(candle(1, 5, 3), bid=1.0, ask=2.0, late_count=2, revision=4, **beside)
    assert mended(stored, candle(1, 5, 3)) is None
    assert mended(stored, candle(1, 5, 4)) == replace(
        candle(1, 5, 4), bid=1.0, ask=2.0, late_count=2, filled=True, revision=5, **beside
    )
    unknown = replace(stored, complete=None, expected_count=None)
    assert mended(unknown, candle(1, 5, 3)) == replace(stored, revision=5)


def test_a_candle_that_trades_and_klines_do_not_agree_on_says_the_exchange_s_count() -> None:
    assert disagreed(candle(1, 5, 3), 4) == replace(
        candle(1, 5, 3), complete=False, expected_count=4, revision=1
    )


def test_groups_span_a_minute_or_their_longest_candle_and_come_newest_first() -> None:
    minute = replace(candle(0, None, 0), timeframe="1m", close_time_ms=60_000)
    early, late, apart = candle(3, None, 0), candle(50, None, 0), candle(90, None, 0)
    assert groups([apart, late, minute, early], 60_000) == [[apart], [minute, early, late]]
    hour = replace(minute, timeframe="1h", close_time_ms=3_600_000)
    assert groups([hour, early, apart], 60_000) == [[hour, early, apart]]


def test_no_group_has_candles_of_two_numberings() -> None:
    seconds = [candle(second, None, 0) for second in (1, 2, 3, 4)]
    found = seams([gap(0, 9), Gap(MARKET, 7, 7, 1_400_000, 2_500_001, "lost", None, 1)])
    assert found == [(2_501, 1_400_000, 6)]
    assert groups(seconds, 60_000, [seam.begins_ms for seam in found]) == [seconds[2:], seconds[:2]]


def test_only_complete_candles_are_witnesses() -> None:
    lacking = replace(candle(2, 8, 2), complete=False)
    assert witnesses([candle(1, 5, 3), lacking]) == {
        5: (1.0, (1_000, 2_000)), 7: (2.0, (1_000, 2_000)),
    }  # fmt: skip
