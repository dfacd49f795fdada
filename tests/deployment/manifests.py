"""The rendered manifests, read as `kubectl apply -f deployment/prod/` reads them.

What needs the Prometheus operator is in production too, applied by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from manifest import SERVICES as ALL

ROOT = Path(__file__).resolve().parents[2]
DEPLOYMENT = ROOT / "deployment"
ENVIRONMENTS = ("dev", "prod")
OPERATOR = DEPLOYMENT / "monitoring" / "prometheus-operator.yaml"
SERVICES = {service.deployed: service for service in ALL}
SINGLE = {service.deployed for service in ALL if service.single}

type Manifest = dict[str, Any]


@cache
def folder_of(environment: str) -> list[Manifest]:
    """Return what lies in the folder of an environment, in the order in which it is applied."""
    return [
        each for path in sorted((DEPLOYMENT / environment).glob("*.yaml")) for each in read(path)
    ]


@cache
def manifests(environment: str) -> list[Manifest]:
    """Return all manifests of an environment."""
    return folder_of(environment) + (read(OPERATOR) if environment == "prod" else [])


def read(path: Path) -> list[Manifest]:
    """Return the manifests in a file."""
    return list(yaml.safe_load_all(path.read_text()))


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
