from __future__ import annotations

from pathlib import Path

import pytest

from marketstream.errors import SettingsError
from marketstream.settings import load_settings
from predictor.models import LEARNERS
from predictor.settings import ModelSettings, PredictorSettings

CONFIG = Path(__file__).parent.parent / "config.yaml"


def load(text: str, folder: Path, environment: dict[str, str] | None = None) -> PredictorSettings:
    config = folder / "config.yaml"
    config.write_text(text)
    return load_settings(PredictorSettings, config, environment or {}, None)


def test_config_that_is_shipped_says_what_the_defaults_are() -> None:
    shipped = load_settings(PredictorSettings, CONFIG, {}, None)
    default = PredictorSettings()
    assert shipped.features == default.features
    assert shipped.training == default.training
    assert shipped.tuning == default.tuning
    assert shipped.abstention == default.abstention
    assert shipped.gates == default.gates
    assert shipped.model.type == default.model.type


def test_environment_wins_over_the_file() -> None:
    settings = load_settings(PredictorSettings, CONFIG, {"MODEL_RETRAIN_INTERVAL": "60"}, None)
    assert settings.training.retrain_interval == 60


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("model: {type: transformer}", "type"),
        ("model: {hyperparameters: {max_depth: deep}}", "max_depth"),
        ("model: {hyperparameters: {max_dept: 3}}", "max_dept is no hyperparameter of lightgbm"),
        ("model: {type: logistic, hyperparameters: {max_depth: 3}}", "known are C, max_iter"),
        ("model: {hyperparameters: {learning_rate: 2}}", "learning_rate = 2"),
        ("training: {validation_split: 1}", "validation_split"),
        ("training: {validation_split: 0}", "validation_split"),
        ("training: {first_after: 0}", "first_after"),
        ("training: {retrain_interval: -1}", "retrain_interval"),
        ("training: {fewest_moved: 1}", "fewest_moved"),
        ("training: {most_rows: 10}", "most_rows"),
        ("training: {every: 10}", "every"),
        ("tuning: {space: {lightgbm: {max_dept: {low: 1, high: 2}}}}", "max_dept is no hyper"),
        ("tuning: {space: {lightgbm: {max_depth: {low: 3, high: 2}}}}", "below high"),
        ("tuning: {space: {logistic: {C: {low: 0, high: 2}}}}", "C = 0"),
        ("tuning: {space: {xgboost: {gamma: {low: 0, high: 2, log: true}}}}", "above 0"),
        ("tuning: {space: {prophet: {}}}", "prophet"),
        ("abstention: {rate: 1}", "rate"),
        ("abstention: {stale_closes: 0}", "stale_closes"),
        ("gates: {missing: 2}", "missing"),
        ("gates: {ranges: {rsi: [100, 0]}}", "rsi"),
        ("features: []", "features"),
        ("interval_level: 1", "interval_level"),
        ("outcome_grace_ms: -1", "outcome_grace_ms"),
        ("horizon: 1", "horizon"),
    ],
)
def test_setting_that_makes_no_sense_is_named(text: str, key: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=key):
        load(text, tmp_path)


def test_a_file_with_another_learner_and_classical_indicators_works(tmp_path: Path) -> None:
    text = """
model:
  type: "xgboost"
  hyperparameters: {max_depth: 10, learning_rate: 0.01, n_estimators: 100}
features: [rsi_14, macd, bb_upper, ema_20]
training:
  retrain_interval: 3600
  validation_split: 0.2
"""
    settings = load(text, tmp_path)
    assert settings.model.type == "xgboost"
    assert LEARNERS["xgboost"].checked(settings.model.hyperparameters)["max_depth"] == 10
    assert settings.features == ["rsi_14", "macd", "bb_upper", "ema_20"]
    assert settings.training.validation_split == 0.2


def test_hyperparameters_keep_whole_numbers_whole(tmp_path: Path) -> None:
    settings = load("model: {hyperparameters: {max_depth: 3, learning_rate: 0.1}}", tmp_path)
    assert settings.model.hyperparameters == {"max_depth": 3, "learning_rate": 0.1}
    assert type(settings.model.hyperparameters["max_depth"]) is int


@pytest.mark.parametrize(
    ("given", "serves"),
    [
        ({}, "average"),
        ({"serve": "champion"}, "champion"),
        ({"binding": True}, "champion"),
        ({"binding": True, "serve": "average"}, "champion"),
    ],
)
def test_average_serves_unless_the_champion_or_a_binding_learner_is_to(
    given: dict[str, object], serves: str
) -> None:
    assert ModelSettings.model_validate(given).serves == serves


def test_what_is_to_serve_is_one_of_two(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"model.serve.*'average' or 'champion'"):
        load("model: {serve: mixture}", tmp_path)
