"""The rendered manifests, read as `kubectl apply -f deployment/prod/` reads them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOYMENT = ROOT / "deployment"
ENVIRONMENTS = ("dev", "prod")
SERVICES = ("trades", "candles", "technical-indicators", "predictor", "prediction-api")

type Manifest = dict[str, Any]


@cache
def manifests(environment: str) -> list[Manifest]:
    """Return all manifests of an environment, in the order in which they are applied."""
    paths = sorted((DEPLOYMENT / environment).glob("*.yaml"))
    return [manifest for path in paths for manifest in yaml.safe_load_all(path.read_text())]


def of_kind(environment: str, *kinds: str) -> list[Manifest]:
    """Return the manifests of some kinds."""
    return [manifest for manifest in manifests(environment) if manifest["kind"] in kinds]


def named(environment: str, kind: str, name: str) -> Manifest:
    """Return one manifest; there has to be exactly one."""
    (found,) = [m for m in of_kind(environment, kind) if m["metadata"]["name"] == name]
    return found


def workloads() -> Iterator[tuple[str, Manifest]]:
    """Yield whatever makes pods, after `environment/name`."""
    for environment in ENVIRONMENTS:
        for manifest in of_kind(environment, "Deployment", "StatefulSet"):
            yield f"{environment}/{manifest['metadata']['name']}", manifest


def pod_of(environment: str, service: str) -> Manifest:
    """Return the pod that the Deployment of a service makes."""
    pod: Manifest = named(environment, "Deployment", service)["spec"]["template"]["spec"]
    return pod


def environment_of(environment: str, service: str) -> dict[str, str]:
    """Return the variables that a service starts with; a secret's value is `from a secret`."""
    container = named(environment, "Deployment", service)["spec"]["template"]["spec"]["containers"][
        0
    ]
    values: dict[str, str] = {}
    for source in container["envFrom"]:
        values |= named(environment, "ConfigMap", source["configMapRef"]["name"])["data"]
    for variable in container["env"]:
        values[variable["name"]] = variable.get("value", "from a secret")
    return values
