"""How a file of `book/` or `flow/` is found, chosen and refused."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from marketstream.errors import SettingsError
from technical_indicators import flow
from technical_indicators.base_indicator import base_names
from technical_indicators.catalogue import configurable
from technical_indicators.feature_set import FeatureSet
from technical_indicators.talib_library import talib

from .markets import (
    Entry,
    of,
    settings_of,
)


@pytest.mark.parametrize(
    ("entry", "base", "message"),
    [
        ({"book_imbalance": {"levels": 0}}, "250ms", "does not accept levels: 0; it has to be a"),
        ({"book_imbalance": {"level": 5}}, "250ms", "no parameter 'level': did you mean levels?"),
        ({"quote_ofi": {"seconds": 0.3}}, "250ms", "a multiple of the finest candles, 0.25 s"),
        ({"quote_ofi": {"seconds": -1}}, "250ms", "seconds has to be above 0"),
        ("book_imbalanc", "250ms", "did you mean book_imbalance?"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused_by_name(
    entry: Entry, base: str, message: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        of(entry, base=base)
    assert message in str(refused.value)


def test_what_looks_into_less_than_a_candle_is_left_out_as_spans_are() -> None:
    feature_set = FeatureSet("1m", "1m", settings_of("book_imbalance", "quote_ofi", "RSI"))
    assert feature_set.configured == [("book_imbalance",), (), ("rsi",)]
    assert feature_set.settled_after() == feature_set.candles_needed()
    assert of("RSI", "flow_pressure").settled_after() == 24 * 300
    assert feature_set.names[0] == "rsi"
    assert feature_set.names[-1] == "book_imbalance"


PAGE = """
from technical_indicators.base_definition import BaseDefinition
from technical_indicators.decayed_share import decayed_share

INDICATOR = BaseDefinition(
    inputs=("volume",), parameters={"seconds": 1.0}, form=decayed_share(lambda of: (of.buys, 1.0))
)
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what writes `flow/last.py`, beside those that there are."""
    monkeypatch.setattr(flow, "__path__", [*flow.__path__, str(tmp_path)])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def written(text: str) -> None:
        (tmp_path / "last.py").write_text(text)
        monkeypatch.delitem(sys.modules, f"{flow.__name__}.last", raising=False)

    return written


def test_a_file_is_found_by_itself_and_another_formula_is_another_feature_set(
    write: Callable[[str], None],
) -> None:
    write(PAGE)
    before = of("last")
    assert before.configured == [("last",)]
    write(PAGE.replace("of.buys", "of.sells"))
    assert of("last").names == before.names
    assert of("last").version != before.version


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "flow/last.py has to give a BaseDefinition named INDICATOR"),
        (
            PAGE.replace('"volume"', '"volum"'),
            "flow/last.py wants 'volum' of candles: did you mean",
        ),
    ],
)
def test_a_file_that_is_no_indicator_is_refused_by_name(
    write: Callable[[str], None], text: str, message: str
) -> None:
    write(text)
    with pytest.raises(SettingsError) as refused:
        of("last")
    assert message in str(refused.value)


def test_no_two_indicators_have_one_name() -> None:
    assert len({name.lower() for name in configurable()}) == len(configurable())
    assert not set(base_names()) & {name.lower() for name in talib.get_functions()}
