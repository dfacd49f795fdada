"""The trades service in several instances: a Deployment for each share of the markets."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import helm_python
import pytest
import yaml

from marketstream.settings import load_settings
from trades.settings import TradesSettings

from .manifests import ENVIRONMENTS, SINGLE, Manifest, named
from .test_chart import render, values_of


def with_trades(environment: str, replicas: int) -> dict[str, Manifest]:
    """Return what the chart has of trades with so many replicas, by kind and name."""
    values = values_of(environment)
    services = values.get("services", {}) | {"trades": {"replicas": replicas}}
    texts = render(values | {"services": services}).values()
    documents = [each for text in texts for each in yaml.safe_load_all(text) if each]
    return {
        f"{each['kind']}/{each['metadata']['name']}": each
        for each in documents
        if each["metadata"].get("labels", {}).get("app.kubernetes.io/name") == "trades"
    }


def deployments(found: dict[str, Manifest]) -> list[Manifest]:
    return [each for each in found.values() if each["kind"] == "Deployment"]


def told(deployment: Manifest) -> dict[str, str]:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each.get("value", "from a secret") for each in container["env"]}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("replicas", [2, 3, 12])
def test_each_instance_is_told_its_share_and_how_many_there_are(
    environment: str, replicas: int
) -> None:
    found = deployments(with_trades(environment, replicas))
    by_number = sorted(found, key=lambda each: int(told(each)["TRADES_INSTANCE"]))
    names = [each["metadata"]["name"] for each in by_number]
    assert names == [f"trades-{number}" for number in range(replicas)]
    for number, deployment in enumerate(by_number):
        settings = load_settings(TradesSettings, None, told(deployment), None)
        assert (settings.instance, settings.instances) == (number, replicas)
        spec = deployment["spec"]
        assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_deployment_takes_the_pods_of_another_for_its_own(environment: str) -> None:
    found = deployments(with_trades(environment, 3))
    for one, two in combinations(found, 2):
        for selecting, pods in ((one, two), (two, one)):
            wanted: dict[str, str] = selecting["spec"]["selector"]["matchLabels"]
            labels: dict[str, str] = pods["spec"]["template"]["metadata"]["labels"]
            assert not wanted.items() <= labels.items()
    for each in found:
        labels = each["spec"]["template"]["metadata"]["labels"]
        assert each["spec"]["selector"]["matchLabels"].items() <= labels.items()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_is_of_the_service_holds_for_all_its_instances(environment: str) -> None:
    found = with_trades(environment, 3)
    selectors = [
        found["Service/trades"]["spec"]["selector"],
        found["PodDisruptionBudget/trades"]["spec"]["selector"]["matchLabels"],
        found["NetworkPolicy/trades"]["spec"]["podSelector"]["matchLabels"],
    ]
    for each in deployments(found):
        labels = each["spec"]["template"]["metadata"]["labels"]
        assert all(selector.items() <= labels.items() for selector in selectors)
        spread = each["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert all(one["labelSelector"]["matchLabels"].items() <= labels.items() for one in spread)


def test_another_number_of_instances_makes_all_of_their_pods_anew() -> None:
    def template(replicas: int) -> Any:
        return with_trades("prod", replicas)["Deployment/trades-0"]["spec"]["template"]

    assert template(2) != template(3)  # else the first would go on with the share it had


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_one_instance_keeps_the_name_of_its_service(environment: str) -> None:
    deployment = named(environment, "Deployment", "trades")
    assert told(deployment)["TRADES_INSTANCES"] == "1"
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert "app.kubernetes.io/instance" not in labels


def test_two_of_what_cannot_be_shared_out_are_refused() -> None:
    assert {"storekeeper", "trades"} == SINGLE
    with pytest.raises(helm_python.HelmError, match="storekeeper: replicas 2"):
        render({"services": {"storekeeper": {"replicas": 2}}})
