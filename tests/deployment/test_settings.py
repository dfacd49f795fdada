"""The services understand what the manifests tell them, and may reach whom they are sent to."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import BaseModel

from marketstream.plan import PlanSettings
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.service import ProcessSettings
from marketstream.settings import SystemSettings, load_settings
from marketstream.settings_fields import env_names, fields_of

from .manifests import ENVIRONMENTS, ROOT, SERVICES, environment_of, named, pod_of

SHARED = (ProcessSettings, SystemSettings, KafkaSettings, PlanSettings)
NOT_OURS = {"HOME", "PGSSLMODE"}  # the operating system's, and PostgreSQL's client's
OF_EACH = pytest.mark.parametrize(
    ("environment", "service"), [(each, name) for each in ENVIRONMENTS for name in SERVICES]
)


def variables(*models: type[BaseModel]) -> set[str]:
    return {name for model in models for _, field in fields_of(model) for name in env_names(field)}


@OF_EACH
def test_every_variable_is_a_setting(environment: str, service: str) -> None:
    known = variables(*SHARED, *(each.settings_class() for each in SERVICES.values())) | NOT_OURS
    assert set(environment_of(environment, service)) - known == set()


@OF_EACH
def test_the_settings_can_be_read(environment: str, service: str, tmp_path: Path) -> None:
    told = environment_of(environment, service)
    config = tmp_path / "config.yaml"
    config.write_text(named(environment, "ConfigMap", f"{service}-config")["data"]["config.yaml"])
    for model in SHARED[:2] + SHARED[3:]:
        load_settings(model, None, told, None)
    load_settings(SERVICES[service].settings_class(), config, told, None)
    kafka = load_settings(KafkaSettings, None, told, None)
    assert kafka.security_protocol == {"dev": "plaintext", "prod": "sasl_ssl"}[environment]


@OF_EACH
def test_it_listens_where_it_is_asked(environment: str, service: str) -> None:
    told = environment_of(environment, service)
    prefix = "API" if service == "prediction-api" else "METRICS"
    pod = pod_of(environment, service)
    (port,) = pod["containers"][0]["ports"]
    assert told[f"{prefix}_HOST"] == "0.0.0.0"
    assert int(told[f"{prefix}_PORT"]) == port["containerPort"]
    (reached,) = named(environment, "Service", service)["spec"]["ports"]
    assert reached == {"name": "http", "port": port["containerPort"], "targetPort": "http"}


@OF_EACH
def test_the_image_is_one_that_is_built_here(environment: str, service: str) -> None:
    pod = pod_of(environment, service)
    image = pod["containers"][0]["image"].rpartition("/")[2].partition(":")[0]
    dockerfile = (ROOT / "docker" / f"{image}.Dockerfile").read_text()
    user = pod["securityContext"]["runAsUser"]
    assert f"\nUSER {user}:{user}\n" in dockerfile
    assert f"\nEXPOSE {pod['containers'][0]['ports'][0]['containerPort']}\n" in dockerfile


@OF_EACH
def test_state_and_config_are_where_volumes_are(environment: str, service: str) -> None:
    told = environment_of(environment, service)
    pod = pod_of(environment, service)
    mounts = {each["mountPath"]: each["name"] for each in pod["containers"][0]["volumeMounts"]}
    assert mounts[told["STATE_FOLDER"]] == "state"
    assert mounts[told["KAFKA_STATE_FOLDER"]] == "operators"
    assert mounts[str(Path(told["SERVICE_CONFIG"]).parent)] == "config"
    assert len(mounts) == len(pod["volumes"]) == 4


ADDRESSES = {
    "exchange": {"EXCHANGE_WS_URL", "EXCHANGE_REST_URL"},
    "postgres": {"POSTGRES_PORT"},
    "mlflow": {"MLFLOW_TRACKING_URI"},
}
TALKS_TO = {
    name: {"KAFKA_BROKER"}.union(*(ADDRESSES[other] for other in service.talks_to))
    for name, service in SERVICES.items()
}


def test_only_who_stores_checks_or_serves_what_is_stored_knows_the_database() -> None:
    knowing = {name for name, service in SERVICES.items() if "postgres" in service.talks_to}
    assert knowing == {"storekeeper", "prediction-api", "technical-indicators"}
    for environment in ENVIRONMENTS:
        for name in SERVICES:
            told = {each for each in environment_of(environment, name) if "POSTGRES_" in each}
            assert bool(told) == (name in knowing)


def port_of(address: str) -> int:
    if address.isdigit():
        return int(address)
    url = urlsplit(address if "//" in address else f"//{address}")
    return url.port or {"https": 443, "wss": 443, "http": 80}[url.scheme]


@OF_EACH
def test_it_may_reach_those_it_talks_to_and_no_others(environment: str, service: str) -> None:
    told = environment_of(environment, service)
    policy = named(environment, "NetworkPolicy", service)["spec"]
    allowed = {port["port"] for rule in policy["egress"] for port in rule["ports"]}
    needed = {port_of(told[name]) for name in TALKS_TO[service] if name in told}
    assert allowed - {443, 9443} == needed - {443, 9443}
    assert needed <= allowed


@OF_EACH
def test_it_has_the_passwords_it_needs_and_no_others(environment: str, service: str) -> None:
    told = environment_of(environment, service)
    secret = {name for name, value in told.items() if value == "from a secret"}
    wanted = {"KAFKA_SASL_PASSWORD"} if environment == "prod" else set()
    if "POSTGRES_PORT" in TALKS_TO[service]:
        wanted = wanted | {"POSTGRES_PASSWORD"}
    assert secret == wanted
