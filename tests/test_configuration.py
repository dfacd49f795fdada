"""Settings have one source of defaults, the classes; files and documents show what those say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

import manifest
from marketstream.settings import load_settings
from predictor.models import LEARNERS
from predictor.settings import PredictorSettings

ROOT = Path(__file__).parents[1]
SERVICES = {service.name: service.settings_class() for service in manifest.SERVICES}
OF_EACH = pytest.mark.parametrize("service", SERVICES)
ROW = re.compile(r"\| `([a-z_.]+)` \| `([^|]+)` \|")


def default(model: type[BaseModel], key: str) -> Any:
    value: Any = model().model_dump(mode="json")
    for part in key.split("."):
        value = value[part]
    return value


def with_its_own_hyperparameters(settings: BaseModel) -> dict[str, Any]:
    """Return the settings as they work: hyperparameters that are not given are the learner's."""
    values = settings.model_dump()
    if isinstance(settings, PredictorSettings):
        model = settings.model
        values["model"]["hyperparameters"] = LEARNERS[model.type].checked(model.hyperparameters)
    return values


@OF_EACH
def test_the_file_of_a_service_changes_nothing_until_a_line_of_it_is_made_to_count(
    service: str,
) -> None:
    file = ROOT / "services" / service / "config.yaml"
    assert load_settings(SERVICES[service], file, {}, None) == SERVICES[service]()


@OF_EACH
def test_what_the_file_of_a_service_shows_is_what_holds(service: str, tmp_path: Path) -> None:
    text = (ROOT / "services" / service / "config.yaml").read_text()
    shown = tmp_path / "config.yaml"
    shown.write_text(re.sub(r"^#(?=\w|  )", "", text, flags=re.MULTILINE))
    assert yaml.safe_load(shown.read_text())
    settings = load_settings(SERVICES[service], shown, {}, None)
    assert with_its_own_hyperparameters(settings) == with_its_own_hyperparameters(
        SERVICES[service]()
    )


@OF_EACH
def test_the_defaults_that_are_documented_are_those_that_hold(service: str) -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    section = re.search(rf"^## {service}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section is not None
    rows = dict(ROW.findall(section[1]))
    rows.pop("model.hyperparameters", None)  # the learner's own
    assert rows
    for key, value in rows.items():
        assert yaml.safe_load(value) == default(SERVICES[service], key), key
