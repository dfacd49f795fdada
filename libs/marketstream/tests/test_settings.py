from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, PositiveInt, SecretStr, model_validator

from marketstream.errors import SettingsError
from marketstream.settings import Env, SystemSettings, load_settings, misspelt


class Hyperparameters(BaseModel):
    max_depth: PositiveInt = 10
    learning_rate: float | None = None


class Model(BaseModel):
    type: Literal["lightgbm", "xgboost"] = "lightgbm"
    hyperparameters: Hyperparameters = Hyperparameters()


class Training(BaseModel):
    retrain_interval: Annotated[PositiveInt, Env("MODEL_RETRAIN_INTERVAL")] = 3600
    validation_split: Annotated[float, Field(gt=0, lt=1)] = 0.2


class Tuning(BaseModel):
    trials: Annotated[int, Env("TUNING_TRIALS")] = 50


class Predictor(BaseModel):
    model: Model = Model()
    features: list[str] = ["rsi_14"]
    training: Training = Training()
    tuning: Tuning | None = None
    token: Annotated[SecretStr | None, Env("TOKEN")] = None


YAML = """
model:
  type: "xgboost"
  hyperparameters: {max_depth: 4, learning_rate: 0.01}
features: [rsi_14, macd]
training:
  retrain_interval: 60
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(YAML)
    return path


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    path = tmp_path / ".env"
    path.write_text("# comment\nMODEL_RETRAIN_INTERVAL=120\nOTHER=1\nNO_VALUE\n")
    return path


def errors_of(config: Path, text: str, environment: dict[str, str] | None = None) -> list[str]:
    config.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(Predictor, config, environment or {}, None)
    assert caught.value.__cause__ is None
    return str(caught.value).splitlines()


def test_defaults_hold_where_nothing_is_said() -> None:
    assert load_settings(Predictor, None, {}, None) == Predictor()


def test_config_file_wins_over_defaults(config: Path) -> None:
    settings = load_settings(Predictor, config, {}, None)
    assert settings.model.type == "xgboost"
    assert settings.model.hyperparameters == Hyperparameters(max_depth=4, learning_rate=0.01)
    assert settings.features == ["rsi_14", "macd"]
    assert settings.training == Training(retrain_interval=60, validation_split=0.2)


def test_env_file_wins_over_the_config_file(config: Path, env_file: Path) -> None:
    assert load_settings(Predictor, config, {}, env_file).training.retrain_interval == 120


def test_environment_wins_over_the_env_file(config: Path, env_file: Path) -> None:
    environment = {"MODEL_RETRAIN_INTERVAL": "300"}
    settings = load_settings(Predictor, config, environment, env_file)
    assert settings.training.retrain_interval == 300


def test_environment_of_the_process_is_read_by_default(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_RETRAIN_INTERVAL", "77")
    assert load_settings(Predictor, config, env_file=None).training.retrain_interval == 77


def test_environment_reaches_a_part_that_the_file_leaves_out_or_empty(config: Path) -> None:
    for text in ("features: []\n", "training:\n", ""):
        config.write_text(text)
        settings = load_settings(Predictor, config, {"MODEL_RETRAIN_INTERVAL": "5"}, None)
        assert settings.training.retrain_interval == 5


def test_environment_reaches_a_part_that_is_optional(config: Path) -> None:
    assert load_settings(Predictor, config, {}, None).tuning is None
    settings = load_settings(Predictor, config, {"TUNING_TRIALS": "9"}, None)
    assert settings.tuning == Tuning(trials=9)


def test_empty_variable_counts_as_unset(config: Path) -> None:
    settings = load_settings(Predictor, config, {"MODEL_RETRAIN_INTERVAL": ""}, None)
    assert settings.training.retrain_interval == 60


def test_missing_env_file_is_fine(config: Path, tmp_path: Path) -> None:
    assert load_settings(Predictor, config, {}, tmp_path / "none").training.retrain_interval == 60


def test_env_file_is_taken_literally(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("POSTGRES_PASSWORD=pa$HOME${X}\nPOSTGRES_DB='my db'\n")
    settings = load_settings(SystemSettings, None, {}, path)
    assert settings.postgres_password.get_secret_value() == "pa$HOME${X}"
    assert settings.postgres_db == "my db"


def test_wrong_value_in_the_file_names_key_value_and_file(config: Path) -> None:
    [line] = errors_of(config, "training: {validation_split: 2}")
    assert line == f"training.validation_split = 2 ({config}): Input should be less than 1"


def test_wrong_value_in_the_environment_names_the_variable(config: Path) -> None:
    [line] = errors_of(config, "", {"MODEL_RETRAIN_INTERVAL": "soon"})
    assert line.startswith(
        "training.retrain_interval = 'soon' (environment variable MODEL_RETRAIN_INTERVAL): "
        "Input should be a valid integer"
    )


def test_wrong_value_in_the_env_file_names_that_file(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("POSTGRES_PORT=70000\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(SystemSettings, None, {}, path)
    assert str(caught.value) == (
        f"postgres_port = '70000' ({path} POSTGRES_PORT): "
        "Input should be less than or equal to 65535"
    )


def test_choices_are_listed(config: Path) -> None:
    [line] = errors_of(config, "model: {type: forest}")
    assert line == f"model.type = 'forest' ({config}): Input should be 'lightgbm' or 'xgboost'"


def test_unknown_key_is_an_error_that_lists_the_known_ones(config: Path) -> None:
    [line] = errors_of(config, "model: {hyperparameters: {max_dept: 3}}")
    assert line == (
        f"model.hyperparameters.max_dept ({config}): is not a setting; "
        "did you mean max_depth? known are learning_rate, max_depth"
    )


def test_every_error_gets_its_line(config: Path) -> None:
    lines = errors_of(
        config,
        "model: {type: forest, hyperparameters: 3}\nfeatures: [rsi_14, 5]\nfeature: x",
        {"MODEL_RETRAIN_INTERVAL": "0"},
    )
    assert [line.split(" ")[0] for line in lines] == [
        "model.type",
        "model.hyperparameters",
        "features.1",
        "training.retrain_interval",
        "feature",
    ]


def test_wrong_part_is_named_even_where_the_environment_sets_something_in_it(config: Path) -> None:
    [line] = errors_of(config, "training: often", {"MODEL_RETRAIN_INTERVAL": "5"})
    assert line.startswith(f"training = 'often' ({config}): Input should be a valid dictionary")


def test_field_of_several_types_gets_one_line(config: Path) -> None:
    class Either(BaseModel):
        depth: int | Literal["auto"] = "auto"

    config.write_text("depth: deep")
    with pytest.raises(SettingsError) as caught:
        load_settings(Either, config, {}, None)
    assert str(caught.value).startswith(f"depth = 'deep' ({config}): Input should be a valid int")
    assert str(caught.value).endswith(", or: Input should be 'auto'")


def test_missing_setting_says_where_to_set_it(config: Path) -> None:
    class Needed(BaseModel):
        symbol: Annotated[str, Env("SYMBOL")]

    config.write_text("")
    with pytest.raises(SettingsError) as caught:
        load_settings(Needed, config, {}, None)
    assert str(caught.value) == (
        f"symbol: is missing; set it in {config} or environment variable SYMBOL"
    )


def test_rule_over_several_settings_is_one_line(config: Path) -> None:
    class Range(BaseModel):
        low: int = 0
        high: int = 1

        @model_validator(mode="after")
        def _check(self) -> Range:
            if self.low >= self.high:
                raise ValueError("low has to be below high")
            return self

    config.write_text("low: 5")
    with pytest.raises(SettingsError) as caught:
        load_settings(Range, config, {}, None)
    assert str(caught.value) == f"settings ({config}): Value error, low has to be below high"


@pytest.mark.parametrize(
    "text",
    [
        "token: [hunter2]",
        "postgres_pasword: hunter2",
        "training: {token: hunter2}",
    ],
)
def test_secret_never_shows_in_an_error(config: Path, text: str) -> None:
    assert "hunter2" not in "\n".join(errors_of(config, text))


def test_secret_never_shows_in_the_settings() -> None:
    settings = load_settings(SystemSettings, None, {"POSTGRES_PASSWORD": "hunter2"}, None)
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump()}"
    assert settings.postgres_password.get_secret_value() == "hunter2"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [1", "is not YAML"),
        ("a: \x00", "is not YAML"),
        ("- rsi_14", "and `key: value` lines are needed"),
        ("just text", "holds 'just text'"),
    ],
)
def test_file_that_holds_no_settings_is_named(config: Path, text: str, reason: str) -> None:
    config.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(Predictor, config, {}, None)
    assert str(caught.value).startswith(f"{config}: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_config_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.yaml: cannot be read \(No such file"):
        load_settings(Predictor, tmp_path / "none.yaml", {}, None)


def test_env_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"A=\xff\xfe\n")
    with pytest.raises(SettingsError, match=r"\.env: cannot be read"):
        load_settings(Predictor, None, {}, path)


def test_a_key_that_is_nearly_a_variable_is_found_and_those_of_others_are_left_alone(
    tmp_path: Path,
) -> None:
    path = tmp_path / ".env"
    path.write_text(
        "KAFKA_BROKR=localhost:1\nAPI_PROT=1\napi_port=1\nSYMBOL=BTC/USDT\n"
        "API_PORT=8000\nHTTP_PROXY=x\nAPI_KEY=x\nAWS_SECRET_ACCESS_KEY=x\n"
    )
    known = ["API_PORT", "API_HOST", "KAFKA_BROKER", "SYMBOLS"]
    assert misspelt(path, known) == {
        "KAFKA_BROKR": "KAFKA_BROKER",
        "API_PROT": "API_PORT",
        "api_port": "API_PORT",
        "SYMBOL": "SYMBOLS",
    }
    assert misspelt(tmp_path / "none", known) == {}


def test_system_settings_have_the_defaults_of_the_documentation() -> None:
    settings = load_settings(SystemSettings, None, {}, None)
    assert settings.model_dump(exclude={"postgres_password"}) == {
        "kafka_broker": "localhost:9092",
        "postgres_host": "localhost",
        "postgres_port": 5432,
        "postgres_db": "crypto_predictions",
        "postgres_user": "admin",
    }
    assert settings.postgres_password.get_secret_value() == "secret"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KAFKA_BROKER", "localhost"),
        ("POSTGRES_PORT", "0"),
    ],
)
def test_system_setting_that_makes_no_sense_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"environment variable {name}") as caught:
        load_settings(SystemSettings, None, {name: value}, None)
    assert str(caught.value).startswith(f"{name.lower()} = {value!r} ")
