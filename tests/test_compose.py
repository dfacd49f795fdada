"""docker-compose.yml against the Compose specification, the images, and the settings there are."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

import manifest
from marketstream.plan import PlanSettings
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.service import ProcessSettings
from marketstream.settings import SystemSettings
from marketstream.settings_fields import env_names, fields_of
from marketstream.store.risingwave import RisingWaveSettings
from realtime_training.commands import realtime

ROOT = Path(__file__).resolve().parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SETTINGS: tuple[type[BaseModel], ...] = (
    SystemSettings, KafkaSettings, PlanSettings, ProcessSettings, RisingWaveSettings,
    *(service.settings_class() for service in manifest.SERVICES),
)  # fmt: skip
BYTES = {"m": 2**20, "g": 2**30}
MOST_BYTES = 8_000_000_000


def dockerfile(service: str) -> Path:
    return ROOT / "docker" / f"{SERVICES[service]['image'].partition(':')[0]}.Dockerfile"


OURS = [name for name in SERVICES if dockerfile(name).exists()]
THEIRS = [name for name in SERVICES if name not in OURS]
PROFILES = {"core", "full", "live"}
RUNNING = [name for name in OURS if name not in PROFILES]


def started_by(*names: str) -> set[str]:
    """Return what Compose starts when it is told to start these."""
    wanted, found = list(names), set[str]()
    while wanted:
        name = wanted.pop()
        if name not in found:
            found.add(name)
            wanted += SERVICES[name].get("depends_on", {})
    return found


WHOLE = {name for name, service in SERVICES.items() if "profiles" not in service}


@pytest.mark.parametrize("file", ["docker-compose.yml", "compose/two-trades.yml"])
def test_file_is_one_of_the_compose_specification(file: str) -> None:
    result = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"),
            file,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


TWO_TRADES: dict[str, Any] = yaml.safe_load((ROOT / "compose" / "two-trades.yml").read_text())


def test_two_trades_services_are_the_one_there_is_and_share_the_markets_out() -> None:
    first, second = TWO_TRADES["services"]["trades"], TWO_TRADES["services"]["trades-1"]
    whole = SERVICES["trades"]
    share = {"TRADES_INSTANCE", "TRADES_INSTANCES"}
    assert {key: second["environment"][key] for key in second["environment"].keys() - share} == (
        whole["environment"]
    )
    assert [each["environment"]["TRADES_INSTANCE"] for each in (first, second)] == ["0", "1"]
    assert {each["environment"]["TRADES_INSTANCES"] for each in (first, second)} == {"2"}
    own = {"environment", "container_name", "build", "depends_on"}
    assert {key: second[key] for key in second.keys() - own} == {
        key: whole[key] for key in whole.keys() - own
    }
    assert second["depends_on"].keys() == whole["depends_on"].keys() | {"trades"}
    limits = [second["mem_limit"], *(SERVICES[name]["mem_limit"] for name in started_by("core"))]
    assert sum(int(limit[:-1]) * BYTES[limit[-1]] for limit in limits) <= MOST_BYTES


def test_profiles_start_what_they_are_named_after() -> None:
    pipeline = {"kafka", "postgres", "mlflow", *(service.name for service in manifest.SERVICES)}
    assert started_by("core") == {*pipeline, "exchange", "core"}
    live = {"trades-live", "storekeeper-live", "live"}
    assert started_by("live") == {*pipeline - {"trades", "storekeeper"}, *live}
    assert started_by("full") == {*WHOLE, "full"}
    profiles = {profile for each in SERVICES.values() for profile in each.get("profiles", [])}
    assert profiles == PROFILES


def test_whatever_is_started_fits_8_gb() -> None:
    for profile in ("core", "full", "live"):
        limits = [SERVICES[name]["mem_limit"] for name in started_by(profile)]
        assert sum(int(limit[:-1]) * BYTES[limit[-1]] for limit in limits) <= MOST_BYTES


def test_every_image_of_ours_is_built_by_something_that_is_started_with_it() -> None:
    # Else Compose looks for it in a registry, and gives up where nobody ever built it.
    for started in (WHOLE, *map(started_by, ("core", "full", "live"))):
        built = {SERVICES[name]["image"] for name in started if "build" in SERVICES[name]}
        assert {SERVICES[name]["image"] for name in started if name in OURS} <= built


def test_an_image_has_one_builder_among_those_that_start_together() -> None:
    # Current Compose refuses a tag that two services build at once.
    for started in (WHOLE, *map(started_by, PROFILES)):
        built = [SERVICES[name]["image"] for name in started if "build" in SERVICES[name]]
        assert len(set(built)) == len(built)


def test_what_is_audited_is_the_store_that_is_read_and_nobody_else_has() -> None:
    def store(name: str) -> dict[str, str]:
        told = SERVICES[name].get("environment", {})
        return {key: value for key, value in told.items() if key.startswith("POSTGRES_")}

    reading = {"prediction-api", "technical_indicators"}
    for name in ("storekeeper", "storekeeper-live", *reading):
        assert store(name) == store("prediction-api") != {}
        assert "postgres" in SERVICES[name]["depends_on"]
    others = {service.name for service in manifest.SERVICES} - {"storekeeper"} - reading
    assert {name for name in (*others, "trades-live") if store(name)} == set()


def test_who_asks_the_exchange_asks_the_one_that_its_profile_is_of() -> None:
    for name in ("trades", "storekeeper"):
        simulated, live = SERVICES[name]["environment"], SERVICES[f"{name}-live"]["environment"]
        assert "exchange:9443" in simulated["EXCHANGE_REST_URL"]
        assert live["EXCHANGE_REST_URL"].startswith("${LIVE_REST_URL:-https://")
        assert live.keys() == simulated.keys()
        assert SERVICES[name]["container_name"] == SERVICES[f"{name}-live"]["container_name"]


def test_who_waits_for_somebodys_health_waits_for_one_who_tells_it() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            assert name not in started_by(other)
            if how["condition"] == "service_healthy":
                check = SERVICES[other].get("healthcheck", {})
                image = dockerfile(other).read_text() if other in OURS else ""
                assert check.get("test") or "HEALTHCHECK" in image, f"{name} waits for {other}"
                assert not check.get("disable")


@pytest.mark.parametrize("name", THEIRS)
def test_images_of_others_are_pinned_to_a_version(name: str) -> None:
    assert re.fullmatch(r"[a-z/]+:v?\d+(\.\d+){1,2}", SERVICES[name]["image"])


@pytest.mark.parametrize("name", RUNNING)
def test_our_containers_can_change_nothing_but_their_volume(name: str) -> None:
    service = SERVICES[name]
    assert service["image"].endswith(":${TAG:-latest}")
    if "build" in service:
        assert service["build"]["dockerfile"] == str(dockerfile(name).relative_to(ROOT))
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == ["/tmp"]
    mounted = [volume.partition(":")[2] for volume in service.get("volumes", [])]
    assert mounted in ([], ["/state"])


def test_variables_are_settings_that_exist() -> None:
    known = {name for each in SETTINGS for _, field in fields_of(each) for name in env_names(field)}
    for name in set(RUNNING) - {"mlflow", "exchange"}:
        assert set(SERVICES[name].get("environment", {})) <= known


def test_secrets_come_from_the_environment_or_the_env_file() -> None:
    for service in SERVICES.values():
        for variable, value in service.get("environment", {}).items():
            if "PASSWORD" in variable or re.search(r"://.*@", str(value)):
                assert "${" in value


def test_ports_are_published_to_this_machine_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) > 5
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_what_is_mounted_is_there() -> None:
    volumes = [volume for each in SERVICES.values() for volume in each.get("volumes", [])]
    files = [volume.partition(":")[0] for volume in volumes if volume.startswith("./")]
    assert [path for path in files if not (ROOT / path).exists()] == []
    assert "risingwave:/risingwave" not in volumes  # there the image has its program
    named = {volume.partition(":")[0] for volume in volumes if not volume.startswith("./")}
    assert named == set(COMPOSE["volumes"])


def test_prometheus_asks_services_where_they_listen() -> None:
    config = yaml.safe_load((ROOT / "deployment" / "monitoring" / "prometheus.yaml").read_text())
    targets = [
        target
        for job in config["scrape_configs"]
        for static in job["static_configs"]
        for target in static["targets"]
    ]
    assert targets == [f"{service.name}:{service.port}" for service in manifest.SERVICES]
    for target in targets:
        name, _, port = target.partition(":")
        assert re.search(rf"_PORT={port}$", dockerfile(name).read_text(), re.MULTILINE), target


def test_commands_have_the_options_they_are_given() -> None:
    (_, _, script) = SERVICES["exchange"]["entrypoint"]
    known = {
        option for parameter in realtime.commands["simulate"].params for option in parameter.opts
    }
    given = set(re.findall(r"--[a-z-]+", script))
    assert "--symbol" in given
    assert given <= known
    assert SERVICES["risingwave-views"]["command"] == ["risingwave", "migrate"]
