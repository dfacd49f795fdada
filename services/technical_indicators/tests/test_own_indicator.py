"""How an indicator of one's own is found, chosen and refused; Parkinson's volatility by value."""

from __future__ import annotations

import sys
from collections.abc import Callable
from math import log, sqrt
from pathlib import Path

import numpy as np
import pytest

from marketstream.errors import SettingsError
from technical_indicators import own
from technical_indicators.feature_set import FeatureSet, FeatureSettings
from technical_indicators.own_indicator import OwnIndicator, own_names

PAGE = """
from technical_indicators.definition import Definition


class Last:
    def __init__(self, candles: int, factor: float) -> None:
        if candles > 100:
            raise ValueError("no more than 100 candles")
        self.factor = factor

    def update(self, close: float) -> float:
        return close * self.factor


INDICATOR = Definition(
    inputs=("close",),
    parameters={"candles": 2, "factor": 1.5},
    candles=lambda candles, factor: candles,
    streaming=Last,
    columnar=lambda close, candles, factor: close * factor,
)
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Return what writes a file beside those of `own`."""
    monkeypatch.setattr(own, "__path__", [*own.__path__, str(tmp_path)])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def written(name: str, text: str) -> None:
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, f"{own.__name__}.{name}", raising=False)

    return written


def of(*indicators: str | dict[str, dict[str, int | float]]) -> FeatureSet:
    return FeatureSet("1s", "250ms", FeatureSettings(indicators=list(indicators)))


def test_parkinsons_volatility_is_the_root_of_the_mean_squared_reach() -> None:
    high, low = np.array([101.0, 102.0, 103.0]), np.array([100.0, 100.0, 100.0])
    [values] = OwnIndicator("parkinson", {"timeperiod": 2}).batch({"high": high, "low": low})
    expected = sqrt((log(1.02) ** 2 + log(1.03) ** 2) / (4 * log(2) * 2))
    assert np.isnan(values[0])
    assert values[2] == pytest.approx(expected, rel=1e-12)


def test_parkinsons_volatility_is_that_of_a_random_walk() -> None:
    steps = np.random.default_rng(5).normal(0, 1e-4, (2_000, 1_000))
    paths = np.exp(np.cumsum(steps, axis=1))
    columns = {"high": paths.max(axis=1), "low": paths.min(axis=1)}
    [values] = OwnIndicator("parkinson", {"timeperiod": 2_000}).batch(columns)
    assert values[-1] == pytest.approx(1e-4 * sqrt(1_000), rel=0.05)


def test_nothing_of_ones_own_is_computed_unless_it_is_configured() -> None:
    feature_set = FeatureSet("1s", "250ms", FeatureSettings())
    assert not any(name.startswith(own_names()) for name in feature_set.names)
    assert feature_set.version == "fa9a899b7a28"
    assert feature_set.candles_needed() == 512


def test_it_is_chosen_by_name_beside_those_of_talib() -> None:
    feature_set = of("RSI", {"PARKINSON": {"timeperiod": 30.0}}, "parkinson")
    assert feature_set.names[:3] == ("rsi", "parkinson_30", "parkinson")
    assert feature_set.indicators[1].lookback == 29


def test_as_many_candles_are_kept_as_it_says_it_needs() -> None:
    assert of({"parkinson": {"timeperiod": 700}}).candles_needed() == 1_024
    with pytest.raises(SettingsError, match="parkinson_20000 needs more than 16384 candles"):
        of({"parkinson": {"timeperiod": 20_000}}).candles_needed()


def test_another_formula_under_the_same_name_is_another_feature_set(
    write: Callable[[str, str], None],
) -> None:
    write("last", PAGE)
    assert "last" in own_names()
    before = of("last")
    write("last", PAGE)
    assert of("last").version == before.version
    write("last", PAGE.replace("close * factor", "close / factor"))
    assert of("last").names == before.names
    assert of("last").version != before.version


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"length": 3}, "last has no parameter 'length': it takes candles, factor"),
        ({"candle": 3}, "last has no parameter 'candle': did you mean candles? it takes candles"),
        ({"candles": 0}, "last does not accept candles: 0; it has to be a whole number of 1"),
        ({"candles": 2.5}, "last does not accept candles: 2.5; it has to be a whole number"),
        ({"factor": float("nan")}, "last does not accept factor: nan; it has to be a finite"),
        ({"candles": 101}, "last does not accept {'candles': 101}: no more than 100 candles"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused_by_name(
    write: Callable[[str, str], None], parameters: dict[str, int | float], message: str
) -> None:
    write("last", PAGE)
    with pytest.raises(SettingsError) as refused:
        of({"last": parameters})
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("rsi", PAGE, "own/rsi.py has the name of a TA-Lib function: rename the file"),
        ("last", "", "own/last.py has to give a Definition named INDICATOR"),
        ("last", PAGE.replace('"close"', '"price"'), "own/last.py wants 'price' of candles: "),
        ("last", PAGE.replace('"close"', '"closed"'), "'closed' of candles: did you mean close? "),
    ],
)
def test_a_file_that_is_no_indicator_is_refused_by_name(
    write: Callable[[str, str], None], name: str, text: str, message: str
) -> None:
    write(name, text)
    with pytest.raises(SettingsError) as refused:
        of(name)
    assert message in str(refused.value)
