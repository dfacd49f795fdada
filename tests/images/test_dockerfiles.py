"""What every Dockerfile has to be like, read from its text; `make test-images` builds and runs."""

from __future__ import annotations

import json
import re
import tomllib
from glob import glob

import pytest

from manifest import ROOT, SERVICES, STAND_IN, Service
from prediction_api.settings import ApiSettings

from .dockerfiles import FOLDER, IMAGES, NAMES, environment, instructions, text_of

OF_EACH = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
HEAVY = ("mlflow", "great-expectations", "lightgbm", "xgboost-cpu", "scikit-learn", "optuna")


def test_every_service_has_an_image() -> None:
    assert sorted([*NAMES, STAND_IN]) == IMAGES


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


@OF_EACH
def test_image_holds_one_service_and_its_dependencies(service: Service) -> None:
    text = text_of(service.name)
    assert re.findall(r"--package (\S+)", text) == [service.project()["name"]] * 2
    copied = set(re.findall(r"(?m)^COPY (?:--\S+ )?((?:libs|services)/[\w-]+)", text))
    assert copied == {f"services/{service.name}", *(f"libs/{each}" for each in service.libraries())}
    assert f'title="{service.name}"' in text
    assert instructions(service.name, "ENTRYPOINT") == [f'["python", "-m", "{service.module}"]']


def test_a_library_that_a_library_needs_is_in_the_image() -> None:
    needed = {service.name: service.libraries() for service in SERVICES}
    assert needed["trades"] == needed["storekeeper"] == ["exchanges", "marketstream"]
    assert needed["candles"] == ["marketstream"]


@pytest.mark.parametrize("service", [each for each in SERVICES if each.name != "predictor"])
def test_what_trains_models_is_in_the_image_of_the_predictor_only(service: Service) -> None:
    wanted, packages = [service.project()["name"]], {}
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


@OF_EACH
def test_only_who_talks_to_a_database_brings_its_client(service: Service) -> None:
    (marketstream,) = [
        each for each in service.project()["dependencies"] if each.startswith("marketstream")
    ]
    serves_mlflow = service.name == "predictor"  # a server of MLflow runs from its image
    assert ("postgresql" in marketstream) == ("postgres" in service.talks_to or serves_mlflow)


@OF_EACH
def test_it_listens_on_every_address_where_the_service_listens_by_default(service: Service) -> None:
    main = (service.folder / "src" / service.module / "__main__.py").read_text()
    found = re.search(rf'main\(\s*"{service.name}", __file__, (\w+),', main)
    assert found is not None
    port = found[1]
    if service.api:
        assert port == "None"
        port = str(ApiSettings().port)
    assert port == str(service.port)
    assert service.listens.items() <= environment(service.name).items()
    assert instructions(service.name, "EXPOSE") == [port]


@OF_EACH
def test_images_of_services_differ_in_what_their_service_is_only(service: Service) -> None:
    # What all of them have to have, in those written by hand too.
    template = (FOLDER / "service.template").read_text()
    common = {line for line in template.splitlines() if "<" not in line and "METRICS" not in line}
    lines = set((FOLDER / f"{service.name}.Dockerfile").read_text().splitlines())
    if service.dockerfile == "own":
        common -= {line for line in common if line.startswith(("#", "    &&"))}
    assert common - lines == set()


def test_the_stand_ins_image_installs_packages_only_and_looks_for_none_that_is_not_there() -> None:
    (arguments,) = re.findall(r"uv pip install (.*?) &&", text_of(STAND_IN))
    named = [word for word in arguments.split() if word == "." or re.match(r"\w+/\*", word)]
    found = [ROOT / path for word in named for path in glob(word, root_dir=ROOT)]  # noqa: PTH207
    assert {"candles", "exchanges", "exchange_simulator"} <= {path.name for path in found}
    assert [path for path in found if not (path / "pyproject.toml").is_file()] == []
    sources = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]["sources"]
    projects = {
        tomllib.loads((path / "pyproject.toml").read_text())["project"]["name"] for path in found
    }
    assert sources.keys() <= projects or "--no-sources" in arguments


def test_no_secret_or_state_gets_into_the_build() -> None:
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    taken = [rule for rule in rules if not rule.startswith("#")]
    assert taken[0] == "*"
    let_in = {rule.removeprefix("!") for rule in taken if rule.startswith("!")}
    files = {"pyproject.toml", "uv.lock", "README.md", "LICENSE"}
    assert let_in == files | {"libs", "services", "src", "risingwave"}
    assert "**/.*" in taken[-5:]
