from __future__ import annotations

import pytest

from marketstream.errors import SettingsError
from marketstream.timeframes import duration_ms, finest_first, horizon_ms, timeframe_ms


@pytest.mark.parametrize(
    ("timeframe", "length_ms"),
    [
        ("1ms", 1),
        ("250ms", 250),
        ("1s", 1_000),
        ("5m", 300_000),
        ("4h", 14_400_000),
        ("1d", 86_400_000),
    ],
)
def test_timeframe_has_its_length(timeframe: str, length_ms: int) -> None:
    assert timeframe_ms(timeframe) == length_ms


@pytest.mark.parametrize(
    "text", ["", "s", "1", "0s", "-1s", "1.5s", "1w", "1 s", "1S", "٣s", "9" * 5_000 + "s"]
)
def test_text_that_is_no_timeframe_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match="is not a timeframe") as caught:
        timeframe_ms(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["7s", "7m", "5h", "2d", "7ms"])
def test_timeframe_that_does_not_divide_a_day_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="divides a day"):
        timeframe_ms(text)


@pytest.mark.parametrize(
    ("text", "length_ms"),
    [
        ("90s", 90_000),
        ("7m", 420_000),
        ("60", 60_000),
        ("0", 0),
        ("250ms", 250),
        ("3d", 259_200_000),
    ],
)
def test_duration_may_be_any_length(text: str, length_ms: int) -> None:
    assert duration_ms(text) == length_ms


@pytest.mark.parametrize("text", ["", "soon", "-5", "1.5", "1e3", "5 m", "٣", "9" * 5_000])
def test_text_that_is_no_duration_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match="is not a duration"):
        duration_ms(text)


@pytest.mark.parametrize("text", ["367d", "99999999999999"])
def test_duration_of_more_than_a_year_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="longer than a year"):
        duration_ms(text)


def test_a_horizon_is_so_many_timeframes_up_to_thirty_days() -> None:
    assert horizon_ms(2, "250ms") == 500
    assert horizon_ms(30, "1d") == 2_592_000_000


@pytest.mark.parametrize(
    ("horizon", "timeframe"), [(0, "1s"), (-1, "1s"), (31, "1d"), (10**14, "1s")]
)
def test_a_horizon_that_makes_no_sense_is_named(horizon: int, timeframe: str) -> None:
    with pytest.raises(SettingsError, match=rf"horizon {horizon}: .* from 1 to \d+"):
        horizon_ms(horizon, timeframe)


def test_finest_timeframe_comes_first_and_repeats_go() -> None:
    assert finest_first(["1m", "250ms", "1h", "1s", "1m"]) == ["250ms", "1s", "1m", "1h"]


def test_one_bad_timeframe_among_good_ones_is_named() -> None:
    with pytest.raises(SettingsError, match="'1w'"):
        finest_first(["1s", "1w"])
