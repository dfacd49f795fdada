"""What every Dockerfile has to be like, read from its text; `make test-images` builds and runs."""

from __future__ import annotations

import json
import re
import tomllib

import pytest

from prediction_api.settings import ApiSettings

from .dockerfiles import FOLDER, IMAGES, ROOT, environment, instructions, text_of

SERVICES = ("trades", "candles", "technical_indicators", "predictor", "prediction-api")
ALIKE = ("trades", "candles", "technical_indicators")
HEAVY = ("mlflow", "great-expectations", "lightgbm", "xgboost-cpu", "scikit-learn", "optuna")


def module_of(service: str) -> str:
    return service.replace("-", "_")


def project_of(service: str) -> dict[str, str]:
    path = ROOT / "services" / service / "pyproject.toml"
    project: dict[str, str] = tomllib.loads(path.read_text())["project"]
    return project


def test_every_service_has_an_image() -> None:
    assert sorted([*SERVICES, "exchange-simulator"]) == IMAGES


@pytest.mark.parametrize("image", IMAGES)
def test_first_line_is_the_command_that_builds_it(image: str) -> None:
    first = (FOLDER / f"{image}.Dockerfile").read_text().splitlines()[0]
    assert first == f"# docker build -t {image}:latest -f docker/{image}.Dockerfile ."


@pytest.mark.parametrize("image", IMAGES)
def test_stages_start_from_one_base_that_is_pinned_and_can_be_replaced(image: str) -> None:
    text = text_of(image)
    (base,) = re.findall(r"(?m)^ARG PYTHON_IMAGE=(\S+)$", text)
    assert re.fullmatch(
        r"docker\.io/library/python:3\.12\.\d+-slim-bookworm@sha256:[0-9a-f]{64}", base
    )
    assert set(re.findall(r"(?m)^FROM (\S+)", text)) == {"${PYTHON_IMAGE}"}
    assert base in text_of("trades")
    assert re.search(r"(?m)^ARG UV_VERSION=\d+\.\d+\.\d+$", text)


@pytest.mark.parametrize("image", IMAGES)
def test_image_runs_as_nobody_in_particular_and_says_how_it_is(image: str) -> None:
    assert instructions(image, "USER") == ["10001:10001"]
    assert instructions(image, "STOPSIGNAL") == ["SIGTERM"]
    assert instructions(image, "VOLUME") == ["/state"]
    (health,) = instructions(image, "HEALTHCHECK")
    assert json.loads(health.partition(" CMD ")[2])[:2] == ["python", "-c"]
    (labels,) = instructions(image, "LABEL")
    for name in ("title", "description", "licenses", "version", "revision"):
        assert f"org.opencontainers.image.{name}=" in labels


@pytest.mark.parametrize("service", SERVICES)
def test_image_holds_one_service_and_its_dependencies(service: str) -> None:
    text = text_of(service)
    project = project_of(service)
    assert re.findall(r"--package (\S+)", text) == [project["name"]] * 2
    copied = set(re.findall(r"(?m)^COPY (?:--\S+ )?(services/[\w-]+)", text))
    assert copied == {f"services/{service}"}
    assert f'title="{service}"' in text
    assert instructions(service, "ENTRYPOINT") == [f'["python", "-m", "{module_of(service)}"]']


@pytest.mark.parametrize("service", [name for name in SERVICES if name != "predictor"])
def test_what_trains_models_is_in_the_image_of_the_predictor_only(service: str) -> None:
    wanted, packages = [project_of(service)["name"]], {}
    for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]:
        packages[package["name"]] = [each["name"] for each in package.get("dependencies", [])] + [
            each["name"]
            for extra in ("kafka", "postgresql")
            for each in package.get("optional-dependencies", {}).get(extra, [])
        ]
    seen: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in seen:
            seen.add(name)
            wanted += packages[name]
    assert seen.isdisjoint(HEAVY)


@pytest.mark.parametrize("service", SERVICES)
def test_it_listens_on_every_address_where_the_service_listens_by_default(service: str) -> None:
    module = module_of(service)
    main = (ROOT / "services" / service / "src" / module / "__main__.py").read_text()
    found = re.search(rf'main\("{service}", __file__, (\w+), run\)', main)
    assert found is not None
    kind, port = ("METRICS", found[1])
    if port == "None":
        kind, port = "API", str(ApiSettings().port)
    there = environment(service)
    assert (there[f"{kind}_HOST"], there[f"{kind}_PORT"]) == ("0.0.0.0", port)
    assert instructions(service, "EXPOSE") == [port]


@pytest.mark.parametrize("service", ALIKE)
def test_images_of_streaming_services_differ_in_names_only(service: str) -> None:
    def without_names(name: str) -> str:
        text = text_of(name).replace(environment(name)["METRICS_PORT"], "PORT")
        text = text.replace(project_of(name)["description"], "DESCRIPTION")
        text = text.replace(f"--package {project_of(name)['name']}", "--package NAME")
        return re.sub(rf"\b{name}\b", "NAME", text)

    assert without_names(service) == without_names("trades")


def test_no_secret_or_state_gets_into_the_build() -> None:
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    taken = [rule for rule in rules if not rule.startswith("#")]
    assert taken[0] == "*"
    let_in = {rule.removeprefix("!") for rule in taken if rule.startswith("!")}
    files = {"pyproject.toml", "uv.lock", "README.md", "LICENSE"}
    assert let_in == files | {"libs", "services", "src", "risingwave"}
    assert "**/.*" in taken[-5:]
