"""The arithmetic of docs/scaling.md: its figures are where they are said to be, its sums right."""

from __future__ import annotations

from math import ceil, isclose

import pytest

import scaling
from manifest import ROOT
from scaling import BINANCE, THOUSANDFOLD, Figure, Load


def figures() -> list[Figure]:
    found: list[Figure] = []
    for value in vars(scaling).values():
        held = value.values() if isinstance(value, dict) else [value]
        found += [each for each in held if isinstance(each, Figure)]
    return found


def test_each_figure_is_on_the_page_that_it_is_from() -> None:
    assert len(figures()) > 20
    for figure in figures():
        text = " ".join((ROOT / "docs" / figure.page).read_text().split())
        assert figure.said in text, figure


def test_cores_are_those_of_markets_and_of_what_comes_beyond_their_ten_trades() -> None:
    quiet = scaling.cores(Load(markets=100, trades_s=1_000, quotes_s=0))
    assert isclose(quiet["trades"], 0.6)
    assert isclose(quiet["candles"], 0.7)
    busy = scaling.cores(Load(markets=10, trades_s=10_000, quotes_s=0))
    assert isclose(busy["trades"], 0.06 + 9_900 * 16e-6)  # docs/scaling.md: 0.22
    assert isclose(busy["candles"], 0.07 + 9_900 * 12e-6)  # and 0.19
    assert busy["predictor"] == 0.03


def test_the_peak_of_binance_by_hand() -> None:
    assert isclose(scaling.cores(BINANCE)["trades"], 1_500 * 0.006 + 285_000 * 16e-6)
    assert scaling.workers(BINANCE)["trades"] == ceil(13.56 / 0.6)
    assert scaling.cells(BINANCE) == 3
    assert isclose(scaling.network_mb_s(BINANCE)["from the exchange"], 300_000 * 205 / 1e6)
    assert isclose(scaling.topics_mb_a_day(BINANCE)["trades"], 0.174 * 100_000 * 86.4)
    assert scaling.start_minutes(BINANCE, 60) == 240


@pytest.mark.parametrize("of", [scaling.memory_gb, scaling.kafka_kept_gb])
def test_a_thousand_times_as_much_needs_about_a_thousand_times_as_much(of: object) -> None:
    assert callable(of)
    assert 0.97 < of(THOUSANDFOLD) / of(BINANCE) / 1_000 < 1.03


def test_the_page_has_no_other_limits_than_the_arithmetic() -> None:
    text = (ROOT / "docs" / "scaling.md").read_text()
    most = scaling.most_markets()
    assert f"some {most['API, a core'] // 10 * 10} markets" in text
    assert f"some {most['storekeeper, packing'] // 10 * 10} markets" in text
