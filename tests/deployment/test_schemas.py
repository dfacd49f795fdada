"""Strictly against the schemas of Kubernetes, and of ours for what Kubernetes has none."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped,unused-ignore]
import pytest
from kubernetes_validate import utils as kubernetes  # type: ignore[import-untyped,unused-ignore]

from .manifests import ENVIRONMENTS, OPERATOR, Manifest, folder_of, manifests, read

OLDEST = (1, 30)
VERSIONS = [
    version
    for version in dict.fromkeys(kubernetes.all_versions())
    if tuple(int(part) for part in version.split(".")[:2]) >= OLDEST
]
OWN_SCHEMAS = {
    path.stem: json.loads(path.read_text())
    for path in (Path(__file__).parent / "schemas").glob("*.json")
}


def test_the_oldest_version_we_promise_and_the_newest_are_there() -> None:
    assert VERSIONS[0].startswith("1.30")
    assert len(VERSIONS) >= 5


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_manifest_is_valid_to_the_letter(environment: str, version: str) -> None:
    for manifest in manifests(environment):
        if manifest["kind"] not in OWN_SCHEMAS:
            kubernetes.validate(manifest, version, strict=True)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_custom_resources_are_valid_to_the_schemas_of_our_own(environment: str) -> None:
    for manifest in manifests(environment):
        if manifest["kind"] in OWN_SCHEMAS:
            jsonschema.validate(manifest, OWN_SCHEMAS[manifest["kind"]])


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_cluster_without_the_prometheus_operator_takes_the_whole_folder(environment: str) -> None:
    groups = {each["apiVersion"].rpartition("/")[0] for each in folder_of(environment)}
    assert groups <= {"", "apps", "autoscaling", "policy", "networking.k8s.io"}


def test_what_needs_the_prometheus_operator_is_apart() -> None:
    assert {each["kind"] for each in read(OPERATOR)} == {*OWN_SCHEMAS, "ConfigMap"}


def test_a_misspelt_field_is_found() -> None:
    def with_typo(kind: str, place: str) -> Manifest:
        (first, *_) = [each for each in manifests("prod") if each["kind"] == kind]
        return {**first, "spec": {**first["spec"], place: 1}}

    with pytest.raises(kubernetes.ValidationError):
        kubernetes.validate(with_typo("Deployment", "replicsa"), "1.30", strict=True)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(with_typo("ServiceMonitor", "endpoint"), OWN_SCHEMAS["ServiceMonitor"])
