"""Features of what is told of a perpetual, by value, and missing where nobody knows."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest
from msgspec.structs import replace

from marketstream.messages import Candle, Context, Funding, Liquidations, Reading
from technical_indicators.base_indicator import base_names
from technical_indicators.batch import feature_table

from .markets import Entry, moving, of, still

NAMES = [name for name, family in base_names().items() if family == "derivatives"]
SINCE_US = moving()[0].open_time_ms * 1_000


def told(row: int, age_us: int = 0, sums: tuple[float, float] = (0.0, 0.0)) -> Candle:
    """Return a still candle, mid 100, with what was told so long before its close."""
    one = still(moving()[row])
    time_us = one.close_time_ms * 1_000 - 1 - age_us
    context = Context(
        time_us,
        Reading(100.05, time_us),
        Reading(99.9, time_us),
        Funding(-0.0002, time_us, one.close_time_ms * 1_000 + 5_400_000_000),
        Reading(1_000.0 + row, time_us),
        Liquidations(*sums, SINCE_US, time_us),
    )
    return replace(one, volume=2.0, taker_buy_volume=1.0, trade_count=2, context=context)


def last(base: list[Candle], *entries: Entry) -> list[float]:
    table = feature_table(base, base, of(*entries, base="250ms"))
    row: list[float] = table.values[-1, -len(entries) :].tolist()
    return row


def test_the_formulas_by_value() -> None:
    base = [told(0, 999_999), told(1, 999_999, (0.0, 1.0)), told(2, 999_999, (0.5, 3.0))]
    share = {"liquidation_share": {"seconds": 0.25}}
    base += [told(row, 999_999, (0.5, 3.0)) for row in (3, 4)]
    was = base[2].context
    assert was is not None
    index = replace(was, index=Reading(100.2, base[2].close_time_ms * 1_000 - 1))
    base[2] = replace(base[2], context=index)
    entries: list[Entry] = [
        "mark_distance", "index_basis", {"index_basis_change": {"seconds": 0.5}},
        "funding_rate", "funding_hours", {"open_interest_change": {"seconds": 1}}, share,
        "mark_age", "index_age", "funding_age", "open_interest_age", "liquidation_age",
    ]  # fmt: skip
    k = exp(-1)
    bp = (100 - 99.9) / 99.9 * 1e4
    assert last(base, *entries) == pytest.approx(
        [
            5.0, bp, bp - (100 - 100.2) / 100.2 * 1e4,
            -2.0, 1.5, 4 / 1_000 * 1e4,
            (-1.0 * k**3 + (0.5 - 2.0) * k**2) / (2 * (1 + k + k**2 + k**3)),
            1.0, 1.0, 1.0, 1.0, 1.0,
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("age_s", "known"),
    [
        (15.0, {"mark", "index", "funding", "open", "liquidation"}),
        (16.0, {"funding", "open"}),
        (121.0, {"funding"}),
        (601.0, set()),
    ],
)
def test_what_is_too_old_is_missing_and_its_age_is_not(age_s: float, known: set[str]) -> None:
    entries: list[Entry] = [*NAMES]
    entries[NAMES.index("index_basis_change")] = {"index_basis_change": {"seconds": 0.25}}
    entries[NAMES.index("open_interest_change")] = {"open_interest_change": {"seconds": 0.25}}
    entries[NAMES.index("liquidation_share")] = {"liquidation_share": {"seconds": 0.25}}
    base = [told(row, round(age_s * 1e6) - 1) for row in range(8)]
    values = dict(zip(NAMES, last(base, *entries), strict=True))
    for name, value in values.items():
        if name.endswith("_age"):
            assert value == age_s
        else:
            assert np.isfinite(value) == (name.partition("_")[0] in known), name


def test_no_liquidation_is_zero_and_nobody_listening_is_missing() -> None:
    share: Entry = {"liquidation_share": {"seconds": 0.25}}
    base = [told(row) for row in range(8)]
    assert last(base, share) == [0.0]
    anew = base[5].context
    assert anew is not None
    sums = Liquidations(0.0, 0.0, base[5].open_time_ms * 1_000, anew.time_us)
    base[5] = replace(base[5], context=replace(anew, liquidations=sums))
    assert np.isnan(last(base, share)).all()
    untold = [replace(one, context=None) for one in base]
    assert np.isnan(last(untold, *NAMES)).all()
    half = [replace(one, context=Context(1)) for one in base]
    assert np.isnan(last(half, *NAMES)).all()


def test_a_funding_that_has_been_paid_is_no_time_to_the_next() -> None:
    one = told(0)
    assert one.context is not None
    paid = Funding(0.0001, one.context.time_us, one.close_time_ms * 1_000 - 1)
    base = [replace(one, context=replace(one.context, funding=paid))]
    assert np.isnan(last(base, "funding_hours")).all()
    assert last(base, "funding_rate") == [1.0]
