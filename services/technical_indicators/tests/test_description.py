"""What is said of an indicator is what holds of it."""

from __future__ import annotations

import pytest

from marketstream.errors import SettingsError
from technical_indicators.accepted import accepted_range
from technical_indicators.base_indicator import base_names
from technical_indicators.catalogue import configurable, indicator
from technical_indicators.description import OWN, describe, describe_all
from technical_indicators.leader_indicator import leader_names
from technical_indicators.own_indicator import own_names

ALL = describe_all()


def test_all_that_can_be_configured_are_described_once() -> None:
    assert [each.name for each in ALL] == list(configurable())
    assert len({each.name for each in ALL}) == len(ALL) > 150
    assert {each.name for each in ALL if each.family == OWN} == set(own_names())
    assert {each.name for each in ALL if each.of_base} == {
        *base_names(), *leader_names(),
    }  # fmt: skip
    assert all(each.meaning and each.source and each.inputs for each in ALL)


def test_defaults_and_bounds_are_those_that_are_accepted() -> None:
    for each in ALL:
        for parameter in each.parameters:
            for value in (parameter.default, parameter.least, parameter.most):
                if value is not None:
                    indicator(each.name, {parameter.name: value})
            if isinstance(parameter.default, int) and parameter.least is not None:
                with pytest.raises(SettingsError, match="does not accept"):
                    indicator(each.name, {parameter.name: parameter.least - 1})


def test_an_indicator_of_talib_is_described_by_talib() -> None:
    bands = describe("bbands")
    assert (bands.name, bands.family, bands.meaning) == (
        "BBANDS", "Overlap Studies", "Bollinger Bands",
    )  # fmt: skip
    assert (bands.inputs, bands.outputs) == (("close",), ("bb_upper", "bb_middle", "bb_lower"))
    period, _, _, average = bands.parameters
    assert (period.name, period.default, period.least, period.most) == ("timeperiod", 20, 2, 100000)
    assert average.kinds[1] == "Exponential Moving Average"
    assert (bands.candles, bands.kept) == (20, 64)
    assert "TA_BBANDS" in bands.source


def test_one_of_ours_is_described_by_its_file() -> None:
    volatility = describe("PARKINSON")
    assert volatility.meaning.startswith("Parkinson's volatility: the deviation")
    assert volatility.source.startswith("own/parkinson.py: sqrt(")
    assert volatility.source.endswith("p. 61-65.")
    assert [(p.name, p.default, p.least, p.most) for p in volatility.parameters] == [
        ("timeperiod", 20, 1, None)
    ]


def test_one_of_the_book_is_described_by_its_file() -> None:
    imbalance = describe("Book_OFI")
    assert (imbalance.family, imbalance.candles, imbalance.kept) == ("Book", 5, 64)
    assert imbalance.source.startswith("book/book_ofi.py: As `quote_ofi`")
    assert [(p.name, p.default, p.least) for p in imbalance.parameters] == [
        ("level", 1, 1), ("seconds", 1.0, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("accepts", "default", "expected"),
    [
        (lambda value: 2 <= value <= 100_000, 14, (2, 100_000)),
        (lambda value: value >= 0, 0, (0, None)),
        (lambda value: 0 <= value <= 1, 0.7, (0.0, 1.0)),
        (lambda value: 0.01 <= value <= 0.99, 0.5, (0.01, 0.99)),
        (lambda _value: True, 2.0, (None, None)),
    ],
)
def test_bounds_are_found_by_trying(
    accepts: object, default: float, expected: tuple[float | None, float | None]
) -> None:
    assert callable(accepts)
    assert accepted_range(accepts, default) == expected
