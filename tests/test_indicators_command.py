"""`realtime indicators`: which there are, one at length, and what the configuration computes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import yaml
from click import UsageError
from click.testing import CliRunner, Result

from marketstream.errors import SettingsError
from realtime_training.commands.indicators import work
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


@pytest.mark.parametrize("name", ["macd", "parkinson"])
def test_the_yaml_of_one_beside_makes_its_features_of_another_timeframe(name: str) -> None:
    text, found = asked(name).output, told(name)
    [line] = [line for line in text.splitlines() if line.startswith("  1m: ")]
    settings = FeatureSettings(indicators=[], beside=yaml.safe_load(line))
    [beside] = FeatureSet("1s", "250ms", settings).beside
    assert len(beside.names) == len(found["outputs"]) + 1
    assert all(each.endswith("_1m") for each in beside.names)
    assert "Under beside" not in asked("quote_ofi").output


def test_features_of_other_timeframes_are_among_what_is_computed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = load_all()
    features = settings.features.model_copy(update={"beside": {"1m": ["RSI"]}})
    monkeypatch.setattr(work, "load_all", lambda: replace(settings, features=features))
    beside = {each["name"]: each["beside"] for each in told("--computed")["features"]}
    assert (beside["rsi_1m"], beside["candle_age_1m"], beside["rsi_14"]) == ("1m", "1m", None)
    [line] = [each for each in asked("--computed").output.splitlines() if "rsi_1m" in each]
    assert line.split(maxsplit=1)[1] == "beside, of candles of 1m"


def test_an_unknown_name_is_refused_with_the_nearest_and_one_of_no_use_with_the_reason() -> None:
    with pytest.raises(SettingsError, match=r"no function 'rsj'.* did you mean RSI\?"):
        asked("rsj")
    with pytest.raises(SettingsError, match="OBV depends on where the series began"):
        asked("obv")


def test_a_name_and_what_is_computed_are_not_asked_for_at_once() -> None:
    with pytest.raises(UsageError, match="not both"):
        indicators.main(["rsi", "--computed"], standalone_mode=False)
