"""The chart renders for both environments, and what lies rendered is what it gives."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from typing import Any

import helm_python
import pytest
import yaml

from .manifests import DEPLOYMENT, ENVIRONMENTS, ROOT, SERVICES, manifests, named, of_kind

CHART = DEPLOYMENT / "chart"


def values_of(environment: str) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((DEPLOYMENT / f"values-{environment}.yaml").read_text())
    return values


def render(values: dict[str, Any]) -> dict[str, str]:
    with helm_python.Chart.load(CHART) as chart:
        return chart.render(values, name="realtime", namespace="default")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_helm_lint_finds_nothing(environment: str) -> None:
    report = helm_python.lint(
        CHART, values_of(environment), strict=True, namespace="production", kube_version="v1.30.0"
    )
    complaints = [each for each in report["messages"] if each["error"] != "icon is recommended"]
    assert (complaints, report["errors"]) == ([], [])


def test_the_rendered_folders_are_what_the_chart_gives() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "render.py", "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, ""), "run `make render`"


def test_a_misspelt_value_is_refused_by_name() -> None:
    with pytest.raises(helm_python.HelmError, match="replicsa"):
        render({"services": {"candles": {"replicsa": 3}}})


def test_the_tag_latest_is_refused() -> None:
    with pytest.raises(helm_python.HelmError, match="tag"):
        render({"image": {"tag": "latest"}})


def test_chart_and_project_have_one_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (chart["version"], chart["appVersion"]) == (project["version"], project["version"])


def test_kafka_in_the_cluster_is_the_one_that_is_tested_with() -> None:
    version = re.search(
        r"^  <version>(.*)<", (ROOT / "scripts/kafka.pom.xml").read_text(), re.MULTILINE
    )
    assert version is not None
    pod = named("dev", "StatefulSet", "kafka")["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == f"apache/kafka:{version[1]}"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_service_has_a_deployment_of_its_name_and_a_file(environment: str) -> None:
    for service in SERVICES:
        path = DEPLOYMENT / environment / f"{service}.yaml"
        kinds = {manifest["kind"] for manifest in yaml.safe_load_all(path.read_text())}
        assert {
            "ConfigMap", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "Service",
            "ServiceAccount",
        } <= kinds  # fmt: skip
        assert named(environment, "Deployment", service)


def test_the_namespace_comes_first_and_holds_everything_of_production() -> None:
    everything = manifests("prod")
    assert (everything[0]["kind"], everything[0]["metadata"]["name"]) == ("Namespace", "production")
    assert {each["metadata"]["namespace"] for each in everything[1:]} == {"production"}
    assert {each["metadata"]["namespace"] for each in manifests("dev")} == {"default"}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_two_manifests_are_the_same_thing(environment: str) -> None:
    names = [(each["kind"], each["metadata"]["name"]) for each in manifests(environment)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_selectors_find_the_pods_of_their_own_deployment(environment: str) -> None:
    for deployment in of_kind(environment, "Deployment", "StatefulSet"):
        name = deployment["metadata"]["name"]
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()
        assert named(environment, "Service", name)["spec"]["selector"].items() <= labels.items()
        assert labels["app.kubernetes.io/name"] == name


def test_certificates_of_private_authorities_are_mounted_where_settings_can_name_them() -> None:
    text = render({"secrets": {"authorities": "our-authorities"}})[
        "realtime/templates/deployment.yaml"
    ]
    for deployment in filter(None, yaml.safe_load_all(text)):
        pod = deployment["spec"]["template"]["spec"]
        (volume,) = [each for each in pod["volumes"] if each["name"] == "authorities"]
        assert volume["secret"] == {"secretName": "our-authorities"}
        mounts = {each["name"]: each for each in pod["containers"][0]["volumeMounts"]}
        assert mounts["authorities"]["mountPath"] == "/etc/authorities"


def test_a_volume_of_one_node_is_refused_where_there_are_several_pods() -> None:
    of_one_node = {"state": {"storage": "1Gi", "accessMode": "ReadWriteOnce"}}
    assert "predictor-state" in "".join(render({"services": {"predictor": of_one_node}}).values())
    with pytest.raises(helm_python.HelmError, match=r"predictor: several pods .* ReadWriteMany"):
        render({"services": {"predictor": of_one_node | {"replicas": 2}}})


def test_a_changed_config_or_environment_makes_new_pods() -> None:
    def checksums(values: dict[str, Any]) -> dict[str, str]:
        text = render(values)["realtime/templates/deployment.yaml"]
        deployments = [each for each in yaml.safe_load_all(text) if each]
        found: dict[str, str] = deployments[0]["spec"]["template"]["metadata"]["annotations"]
        return found

    before = checksums(values_of("dev"))
    after = checksums(values_of("dev") | {"environment": {"TIMEFRAME": "5s"}})
    assert before["checksum/environment"] != after["checksum/environment"]
    assert before["checksum/config"] == after["checksum/config"]


def test_an_address_is_told_to_those_who_talk_to_it_and_makes_new_pods_of_them_only() -> None:
    def checksums(values: dict[str, Any]) -> dict[str, str]:
        text = render(values)["realtime/templates/deployment.yaml"]
        pods = {
            each["metadata"]["name"]: each["spec"]["template"]["metadata"]
            for each in yaml.safe_load_all(text)
            if each
        }
        return {name: pod["annotations"]["checksum/environment"] for name, pod in pods.items()}

    values = values_of("dev")
    elsewhere = values["addresses"] | {"exchange": {"EXCHANGE_REST_URL": "http://other"}}
    before, after = checksums(values), checksums(values | {"addresses": elsewhere})
    assert {name for name in before if before[name] != after[name]} == {"trades", "storekeeper"}
