"""Numbers and times as files write them, exactly."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketstream.readers.numbers import in_units, read_numbers, shortest
from marketstream.readers.times import read_times_us


def number(text: bytes) -> Decimal | None:
    """The one number in a column, None where it is none."""
    mantissa, decimals, ok = shortest(read_numbers([text]))
    return Decimal(int(mantissa[0])).scaleb(-int(decimals[0])) if ok[0] else None


@given(st.integers(0, 10**15 - 1), st.integers(0, 12))
def test_a_plain_number_is_read_exactly(mantissa: int, decimals: int) -> None:
    value = Decimal(mantissa).scaleb(-decimals)
    assert number(f"{value:f}".encode()) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"61837.63000000", "61837.63"),
        (b"6e-05", "0.00006"),
        (b"1E3", "1000"),
        (b" +5 ", "5"),
        (b".5", "0.5"),
        (b"5.", "5"),
        (b"0.00", "0"),
        (b"1234567890.12345678", "1234567890.12345678"),
        (b"9223372036854775807", "9223372036854775807"),
        (b"0.30000000000000004", "0.3"),
        (b"0.00031099999999999997", "0.000311"),
        (b"0.30000000000000004441", "0.3"),
    ],
)
def test_usual_spellings_are_understood(text: bytes, value: str) -> None:
    assert number(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"-1",
        b"nan",
        b"inf",
        b"1.2.3",
        b"1\x002",
        b"\xff",
        b"9" * 19,
        b"5" * 45,
        b"1e500",
        b"1e1723161240000",
        b"1e99999999999999999999999",
        b".",
    ],
)  # fmt: skip
def test_what_is_no_number_is_not_taken_for_one(text: bytes) -> None:
    assert number(text) is None


def test_a_column_gets_the_decimals_that_all_its_numbers_need() -> None:
    decimals, units, fits = in_units(shortest(read_numbers([b"1.50", b"2", b"0.125"])))
    assert (decimals, units.tolist(), fits.all()) == (3, [1500, 2000, 125], True)


def test_a_number_too_fine_for_the_largest_does_not_fit() -> None:
    column = [b"900000000000000", b"0.00000001", b"0.5"]
    decimals, units, fits = in_units(shortest(read_numbers(column)))
    assert fits.tolist() == [True, False, True]
    assert (decimals, units[2]) == (4, 5_000)


@pytest.mark.parametrize(
    "text",
    [
        b"1738124786.018", b"1738124786018", b"1738124786018000", b"1738124786018000999",
        b"1.738124786018e9", b"2025-01-29T04:26:26.018Z", b"2025-01-29 04:26:26.018",
        b"2025-01-29 04:26:26.018 UTC", b"2025-01-29T13:26:26.018+09:00",
    ],
)  # fmt: skip
def test_a_time_is_the_same_in_every_form(text: bytes) -> None:
    times_us, ok = read_times_us([text])
    assert (times_us.tolist(), ok.tolist()) == ([1_738_124_786_018_000], [True])


@pytest.mark.parametrize(
    "text", [b"", b"123456785", b"never", b"-5", b"2007-01-01T00:00:00Z", b"2100-01-01", b"9" * 30]
)
def test_what_is_no_time_of_a_trade_is_not_taken_for_one(text: bytes) -> None:
    assert read_times_us([text])[1].tolist() == [False]


def test_a_column_may_mix_the_forms() -> None:
    times_us, ok = read_times_us([b"1738124786", b"", b"2025-01-29T04:26:26Z", b"1738124786000"])
    assert ok.tolist() == [True, False, True, True]
    assert times_us[ok].tolist() == [1_738_124_786_000_000] * 3
