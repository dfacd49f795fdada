"""`realtime indicators`: which there are, one at length, and what the configuration computes."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from click import UsageError
from click.testing import CliRunner, Result

from marketstream.errors import SettingsError
from realtime_training.commands.indicators.command import indicators
from realtime_training.settings import load_all
from technical_indicators.catalogue import configurable
from technical_indicators.feature_set import FeatureSet, FeatureSettings


def asked(*arguments: str) -> Result:
    return CliRunner().invoke(indicators, arguments, catch_exceptions=False)


def told(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(asked(*arguments, "--json").output)
    return found


def test_all_that_can_be_configured_are_listed_a_line_each() -> None:
    lines = asked().output.splitlines()
    listed = [line.split()[0] for line in lines if line.startswith("  ")]
    assert sorted(listed) == sorted(configurable())
    assert "Momentum Indicators" in lines
    [rsi] = [line for line in lines if line.startswith("  RSI ")]
    assert rsi.split(maxsplit=2)[1:] == [
        "15", "Relative Strength Index; of close; timeperiod=14 (2 to 100000) -> rsi",
    ]  # fmt: skip
    assert [each["name"] for each in told()["indicators"]] == list(configurable())


@pytest.mark.parametrize("name", ["macd", "BBANDS", "mama", "parkinson", "AROON", "add"])
def test_the_yaml_of_one_makes_the_features_it_says_with_its_defaults(name: str) -> None:
    text, found = asked(name).output, told(name)
    assert found["meaning"] in text
    assert f"  - {found['yaml']}" in text
    entry = yaml.safe_load(found["yaml"])
    written = FeatureSet("1s", "1s", FeatureSettings(indicators=[entry])).indicators[0]
    assert len(written.names) == len(found["outputs"])
    assert written.lookback + 1 == found["candles"]
    plain = FeatureSet("1s", "1s", FeatureSettings(indicators=[found["name"]])).indicators[0]
    assert list(plain.names) == found["outputs"]


def test_what_is_computed_are_the_features_of_the_configuration() -> None:
    settings = load_all()
    found = told("--computed")
    names = [each["name"] for each in found["features"]]
    assert tuple(names) == FeatureSet("1s", "250ms", settings.features).names
    used = [each["name"] for each in found["features"] if each["used_by_models"]]
    assert sorted(used) == sorted(settings.predictor.features)
    lines = asked("--computed").output.splitlines()
    assert [line.split()[0] for line in lines[: len(names)]] == names
    assert "rsi_14                RSI: {timeperiod: 14}                 used by models" in lines


def test_an_unknown_name_is_refused_with_the_nearest_and_one_of_no_use_with_the_reason() -> None:
    with pytest.raises(SettingsError, match=r"no function 'rsj'.* did you mean RSI\?"):
        asked("rsj")
    with pytest.raises(SettingsError, match="OBV depends on where the series began"):
        asked("obv")


def test_a_name_and_what_is_computed_are_not_asked_for_at_once() -> None:
    with pytest.raises(UsageError, match="not both"):
        indicators.main(["rsi", "--computed"], standalone_mode=False)
