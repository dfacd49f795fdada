"""What came of predictions is added up once, and any window's figures are made of it."""

from __future__ import annotations

from collections.abc import Iterable
from math import log

import msgspec
import pytest
from msgspec.structs import replace

from marketstream.messages import Candle, Direction, Outcome, Prediction, Said
from marketstream.messages.score_sums import ScoreSums
from marketstream.score_sums import CONTROL, PLACE, SERVED, Name, Sums, add_up, packed_sums
from marketstream.score_windows import Window, WindowScore, rolling_scores

MARKET = "binance:BTC/USDT"
HOUR_MS = 3_600_000
STRETCH_MS = 600_000
FROM_MS = 20_000 * 24 * HOUR_MS
HORIZON_MS = 2_000


def prediction(close_ms: int, p_up: float = 0.6, direction: Direction = "up") -> Prediction:
    return Prediction(
        MARKET, "1s", close_ms, HORIZON_MS, "champion", "average", "7", 0, 100.0, 100.1, 1e-5,
        100.001, 0.8 * p_up, 0.2, 0.8 * (1 - p_up), 99.0, 101.0, 0.8, direction, None, {},
        candidates={"lightgbm": Said(0.3, 1.0, "lightgbm:7")}, latency_us=900,
    )  # fmt: skip


def outcome(close_ms: int, bps: float = 1.0, close_bps: float = 1.0) -> Outcome:
    return Outcome(
        MARKET, "1s", close_ms, HORIZON_MS, "champion", "7", 100.02, bps / 10_000,
        close_bps / 10_000, "right", "right", True, {},
    )  # fmt: skip


def candle(close_ms: int, mid: float = 100.0) -> Candle:
    return Candle(
        MARKET, "1s", close_ms - 1_000, close_ms, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        bid=mid - 0.005, bid_quantity=1, ask=mid + 0.005, ask_quantity=1,
    )  # fmt: skip


def stretch(from_ms: int, returns: Iterable[float], p_up: float = 0.6) -> ScoreSums:
    """Return the sums of a stretch with a close a second, each followed by a return in bp."""
    sums: Sums = {}
    closes = [from_ms + 1_000 * number for number, _ in enumerate(returns)]
    outcomes = [outcome(at, bps) for at, bps in zip(closes, returns, strict=True)]
    add_up(sums, [prediction(at, p_up) for at in closes], outcomes, [candle(at) for at in closes])
    return packed_sums(sums, MARKET, "1s", from_ms, from_ms + STRETCH_MS)


def scored(
    stretches: list[ScoreSums], window: Window = "all", who: str = SERVED, fee_bps: float = 0.0
) -> WindowScore:
    told = rolling_scores(MARKET, "1s", stretches, [HORIZON_MS], fee_bps=fee_bps)
    return next(one for one in told.horizons[0].windows[window] if one.candidate == who)


def test_each_outcome_adds_to_who_was_served_and_to_each_candidate() -> None:
    sums: Sums = {}
    at = FROM_MS
    add_up(
        sums,
        [
            prediction(at, 0.65),
            prediction(at + 1_000, 0.65),
            prediction(at + 2_000, 0.5, "abstain"),
        ],
        [outcome(at), outcome(at + 1_000, -2.0, 0.0), outcome(at + 2_000, 0.0)],
        [candle(at), candle(at + 1_000, 100.01), candle(at + 2_000)],
    )
    served = sums[Name(HORIZON_MS, SERVED, "average:7")]
    told = {name: served[place] for name, place in PLACE.items() if served[place]}
    late_bps = 10_000 * (log(100.02 / 100.01) + log(100.02 / 100))
    assert told == {
        "outcomes": 3, "abstained": 1, "moved": 2, "right": 1, "close_moved": 1, "close_right": 1,
        "inside": 3, "spoke": 2, "log_loss": pytest.approx(-log(0.65) - log(0.35)),
        "brier": pytest.approx(0.35**2 + 0.65**2), "positions": 2,
        "gross_bps": pytest.approx(1 - 2), "spread_bps": pytest.approx(2.0, rel=1e-3),
        "spreads": 2, "late_bps": pytest.approx(late_bps), "lates": 2,
        "rows_1": 2, "said_1": pytest.approx(1.3), "came_1": 1,
    }  # fmt: skip
    lightgbm = sums[Name(HORIZON_MS, "lightgbm", "lightgbm:7")]
    assert [lightgbm[PLACE[name]] for name in ("moved", "right", "flat", "inside")] == [2, 1, 1, 0]


def test_what_was_late_or_of_others_or_never_predicted_counts_for_nothing() -> None:
    sums: Sums = {}
    late = replace(prediction(FROM_MS), late=True)
    challenger = replace(prediction(FROM_MS + 1_000), role="challenger")
    happened = [
        outcome(FROM_MS),
        replace(outcome(FROM_MS + 1_000), role="challenger"),
        replace(outcome(FROM_MS + 2_000), late=True),
        outcome(FROM_MS + 3_000),
    ]
    add_up(sums, [late, challenger, prediction(FROM_MS + 2_000)], happened, [])
    assert sums == {}
    empty = packed_sums(sums, MARKET, "1s", FROM_MS, FROM_MS + STRETCH_MS)
    told = rolling_scores(MARKET, "1s", [empty], [HORIZON_MS])
    assert told.horizons[0].windows == {"hour": [], "day": [], "week": [], "all": []}


def test_nothing_stored_is_nothing_and_no_error() -> None:
    told = rolling_scores(MARKET, "1s", [], [HORIZON_MS])
    assert (told.from_ms, told.until_ms) == (None, None)
    assert told.horizons[0].hours_of_day == []


def test_windows_end_with_the_newest_stretch_and_forget_what_was_before() -> None:
    good, bad = [1.0] * 100, [-1.0] * 100
    days = [stretch(FROM_MS + day * 24 * HOUR_MS, good) for day in range(9)]
    last = FROM_MS + 8 * 24 * HOUR_MS + 20 * HOUR_MS
    stretches = [*days, stretch(last, bad)]
    shares = {window: scored(stretches, window).accuracy for window in ("hour", "day", "week")}
    assert shares == {"hour": 0.0, "day": 0.5, "week": pytest.approx(7 / 8)}
    assert scored(stretches).accuracy == pytest.approx(9 / 10)
    hours = rolling_scores(MARKET, "1s", stretches, [HORIZON_MS]).horizons[0].hours_of_day
    assert [(one.hour, one.moved, one.accuracy) for one in hours] == [(0, 900, 1.0), (20, 100, 0.0)]


def test_a_fee_and_the_spread_come_off_what_a_late_entry_earns() -> None:
    stretches = [stretch(FROM_MS, [1.0, 2.0, -3.0, 2.0])]
    free, paid = scored(stretches), scored(stretches, fee_bps=10)
    assert free.gross_bps == pytest.approx(0.5)
    assert free.late_bps == pytest.approx(10_000 * log(100.02 / 100))  # the last has none
    assert free.net_bps == pytest.approx(free.late_bps - 1.0)
    assert paid.net_bps == pytest.approx(free.net_bps - 10)


def test_somebody_who_says_what_comes_is_calibrated() -> None:
    returns = [1.0] * 60 + [-1.0] * 40
    assert scored([stretch(FROM_MS, returns, 0.6)]).calibration_error == pytest.approx(0.0)
    assert scored([stretch(FROM_MS, returns, 0.9)]).calibration_error == pytest.approx(0.3)
    assert scored([stretch(FROM_MS, returns, 0.1)]).calibration_error == pytest.approx(0.5)


def test_versions_are_one_candidate_or_each_for_itself() -> None:
    sums: Sums = {}
    newer = replace(prediction(FROM_MS + 1_000), model_version="8")
    add_up(sums, [prediction(FROM_MS), newer], [outcome(FROM_MS), outcome(FROM_MS + 1_000)], [])
    stretches = [packed_sums(sums, MARKET, "1s", FROM_MS, FROM_MS + STRETCH_MS)]
    assert scored(stretches).outcomes == 2
    told = rolling_scores(MARKET, "1s", stretches, [HORIZON_MS], by_version=True)
    served = [one for one in told.horizons[0].windows["all"] if one.candidate == SERVED]
    assert [(one.model, one.outcomes) for one in served] == [("average:7", 1), ("average:8", 1)]


def test_the_control_is_right_in_half_of_all_moves_whatever_the_market_does() -> None:
    always_up = [1.0] * 600
    stretches = [stretch(FROM_MS + number * STRETCH_MS, always_up) for number in range(30)]
    control = scored(stretches, who=CONTROL)
    assert control.low is not None
    assert control.high is not None
    assert control.low < 0.5 < control.high
    assert control.accuracy == pytest.approx(0.5, abs=0.02)
    assert scored(stretches).accuracy == 1.0


def test_parts_add_up_to_the_whole_to_the_bit_of_what_is_stored() -> None:
    returns = [float(number % 5 - 2) for number in range(100)]
    whole = stretch(FROM_MS, returns)
    parts: Sums = {}
    for first in range(0, 100, 20):
        closes = [FROM_MS + 1_000 * number for number in range(first, first + 20)]
        outcomes = [outcome(at, returns[first + number]) for number, at in enumerate(closes)]
        add_up(parts, [prediction(at) for at in closes], outcomes, [
            candle(at) for at in [*closes, closes[-1] + 1_000] if at < FROM_MS + 100_000
        ])  # fmt: skip
    assert packed_sums(parts, MARKET, "1s", FROM_MS, FROM_MS + STRETCH_MS) == whole
    assert [Name(*one) for one in msgspec.json.decode(whole.names)] == sorted(parts)


def test_few_stretches_count_by_the_rows_whose_outcomes_do_not_overlap() -> None:
    right_in_three_of_four = [1.0, 1.0, -1.0, 1.0] * 100
    few = [stretch(FROM_MS + number * STRETCH_MS, right_in_three_of_four) for number in range(3)]
    assert scored(few).effective == 600, "two horizons of a second overlap by half"
    many = [stretch(FROM_MS + number * STRETCH_MS, right_in_three_of_four) for number in range(12)]
    assert scored(many).effective == 4_800, "stretches do not differ from each other at all"
