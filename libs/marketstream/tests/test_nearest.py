"""Who wrote a name that there is not is told the nearest one."""

from __future__ import annotations

import pytest

from marketstream.nearest import did_you_mean

NAMES = ("RSI", "STOCHRSI", "rsi_14", "imbalance", "imbalance_mean_1s")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("RSII", "did you mean RSI? "),
        ("rsii", "did you mean RSI? "),
        ("stoch_rsi", "did you mean STOCHRSI? "),
        ("rsi_15x", "did you mean rsi_14? "),
        ("Imbalance_mean_2s", "did you mean imbalance_mean_1s? "),
        ("xyz", ""),
        ("", ""),
    ],
)
def test_the_nearest_name_is_said_and_none_where_nothing_is_alike(written: str, said: str) -> None:
    assert did_you_mean(written, NAMES) == said


def test_where_there_is_no_name_none_is_near() -> None:
    assert did_you_mean("rsi", ()) == ""
