"""Settings: environment over `.env` over a service's `config.yaml` over defaults, checked at start.

The classes are the one source of defaults; a `config.yaml` says what differs from them.

A field names its environment variable where it is declared, at any depth:

    class Training(BaseModel):
        retrain_interval: Annotated[PositiveInt, Env("MODEL_RETRAIN_INTERVAL")] = 3600
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import yaml
from dotenv import dotenv_values
from pydantic import BaseModel, Field, SecretStr, ValidationError

from marketstream.errors import SettingsError
from marketstream.settings_fields import Env, Key, env_names, explain, fields_of

__all__ = ["Env", "SystemSettings", "load_settings", "misspelt", "split_commas"]

_NEARLY = 0.85  # as alike as a slip of the fingers leaves them, see difflib


def split_commas(value: object) -> object:
    """Split what an environment variable says into a list; for BeforeValidator."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


class SystemSettings(BaseModel):
    """The settings that are no single service's own."""

    kafka_broker: Annotated[str, Env("KAFKA_BROKER"), Field(pattern=r"^\S+:\d+$")] = (
        "localhost:9092"
    )
    postgres_host: Annotated[str, Env("POSTGRES_HOST"), Field(min_length=1)] = "localhost"
    postgres_port: Annotated[int, Env("POSTGRES_PORT"), Field(ge=1, le=65_535)] = 5432
    postgres_db: Annotated[str, Env("POSTGRES_DB"), Field(min_length=1)] = "crypto_predictions"
    postgres_user: Annotated[str, Env("POSTGRES_USER"), Field(min_length=1)] = "admin"
    postgres_password: Annotated[SecretStr, Env("POSTGRES_PASSWORD")] = SecretStr("secret")


def load_settings[Settings: BaseModel](
    model: type[Settings],
    config: Path | None,
    environment: Mapping[str, str] | None = None,
    env_file: Path | None = Path(".env"),
) -> Settings:
    """Return the settings, or raise SettingsError with a line for each one that makes no sense.

    `config` has to exist, `env_file` need not; `environment` is this process's own by default. A
    variable that is empty counts as unset. A key in `config` that is no setting is an error.
    """
    environment = os.environ if environment is None else environment
    values = {} if config is None else _read_yaml(config)
    sources = _overlay(values, model, environment, env_file)
    try:
        return model.model_validate(values, extra="forbid")
    except ValidationError as error:
        lines = explain(error, model, values, sources, config)
    # Outside the handler: pydantic's own error holds the values of secrets.
    raise SettingsError("\n".join(lines))


def misspelt(env_file: Path, known: Collection[str]) -> dict[str, str]:
    """Return the keys of an `.env` file that are nearly a known variable, each with that variable.

    Other keys may be others' business.
    """
    found = {}
    for key in _read_env_file(env_file):
        if key not in known:
            nearest = get_close_matches(key.upper(), known, n=1, cutoff=_NEARLY)
            if nearest:
                found[key] = nearest[0]
    return found


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror})") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: is not YAML ({' '.join(str(error).split())})") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: holds {values!r}, and `key: value` lines are needed")
    return values


def _overlay(
    values: dict[str, Any],
    model: type[BaseModel],
    environment: Mapping[str, str],
    env_file: Path | None,
) -> dict[Key, str]:
    """Put what the environment says into `values`; return where each such value is from."""
    in_file = {} if env_file is None else _read_env_file(env_file)
    sources: dict[Key, str] = {}
    for key, field in fields_of(model):
        for name in env_names(field):
            value = environment.get(name) or in_file.get(name)
            if value and _put(values, key, value):
                where = "environment variable" if environment.get(name) else str(env_file)
                sources[key] = f"{where} {name}"
    return sources


def _read_env_file(path: Path) -> dict[str, str | None]:
    try:
        # Taken literally: a password may hold a dollar sign.
        return dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error})") from error


def _put(values: dict[str, Any], key: tuple[str, ...], value: str) -> bool:
    for part in key[:-1]:
        below = values.get(part)
        if below is None:
            below = values[part] = {}
        if not isinstance(below, dict):
            return False  # the file is wrong here, and validation will say so
        values = below
    values[key[-1]] = value
    return True
