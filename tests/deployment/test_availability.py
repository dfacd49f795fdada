"""What keeps predictions coming while pods, nodes and versions come and go."""

from __future__ import annotations

import pytest

from .manifests import (
    ENVIRONMENTS,
    SERVICES,
    SINGLE,
    Manifest,
    environment_of,
    named,
    of_kind,
    pod_of,
)

OF_EACH = pytest.mark.parametrize(
    ("environment", "service"), [(each, name) for each in ENVIRONMENTS for name in SERVICES]
)


def deployment_of(environment: str, service: str) -> Manifest:
    return named(environment, "Deployment", service)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("service", ["trades", "storekeeper"])
def test_there_is_never_a_second_feed_or_storekeeper(environment: str, service: str) -> None:
    assert service in SINGLE
    spec = deployment_of(environment, service)["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    scaled = {each["metadata"]["name"] for each in of_kind(environment, "HorizontalPodAutoscaler")}
    assert service not in scaled


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_new_version_takes_over_before_the_old_one_goes(environment: str) -> None:
    for service in SERVICES.keys() - SINGLE:
        strategy = deployment_of(environment, service)["spec"]["strategy"]
        assert strategy["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


def test_production_has_two_of_everything_but_the_single_ones() -> None:
    scalers = {
        each["metadata"]["name"]: each for each in of_kind("prod", "HorizontalPodAutoscaler")
    }
    assert scalers.keys() == SERVICES.keys() - SINGLE
    assert len(scalers) >= 4
    for name, scaler in scalers.items():
        assert scaler["spec"]["minReplicas"] >= 2
        assert scaler["spec"]["scaleTargetRef"]["name"] == name
        assert "replicas" not in deployment_of("prod", name)["spec"]  # the scaler's, not ours


def test_no_worker_is_without_a_partition() -> None:
    for scaler in of_kind("prod", "HorizontalPodAutoscaler"):
        name = scaler["metadata"]["name"]
        if name != "prediction-api":  # each of it follows all
            partitions = int(environment_of("prod", name)["KAFKA_PARTITIONS"])
            assert scaler["spec"]["maxReplicas"] <= partitions


def test_what_is_over_in_minutes_makes_no_more_workers() -> None:
    # A training fills a CPU; each worker more would share out the markets, and train, anew.
    for scaler in of_kind("prod", "HorizontalPodAutoscaler"):
        if scaler["metadata"]["name"] != "prediction-api":
            assert scaler["spec"]["behavior"]["scaleUp"]["stabilizationWindowSeconds"] >= 300


def volume_of(environment: str, service: str, name: str) -> Manifest:
    volumes: list[Manifest] = pod_of(environment, service)["volumes"]
    (volume,) = [each for each in volumes if each["name"] == name]
    return volume


@OF_EACH
def test_only_models_that_wait_for_their_registry_outlive_a_pod(
    environment: str, service: str
) -> None:
    # The operators' folder is locked by whoever works in it: each pod has its own.
    assert "emptyDir" in volume_of(environment, service, "operators")
    state = volume_of(environment, service, "state")
    if service != "predictor":
        assert "emptyDir" in state
        return
    claim = named(environment, "PersistentVolumeClaim", "predictor-state")
    assert state["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]


def test_the_new_predictor_never_waits_for_the_old_one_s_volume() -> None:
    # On another node a volume of one node's is refused as long as the old pod has it.
    claim = named("prod", "PersistentVolumeClaim", "predictor-state")["spec"]
    assert claim["accessModes"] == ["ReadWriteMany"]
    assert claim["storageClassName"]


@OF_EACH
def test_a_drained_node_takes_one_pod_at_a_time(environment: str, service: str) -> None:
    spec = named(environment, "PodDisruptionBudget", service)["spec"]
    assert spec["maxUnavailable"] == 1
    assert spec["selector"] == deployment_of(environment, service)["spec"]["selector"]


@OF_EACH
def test_pods_of_a_service_lie_on_different_nodes(environment: str, service: str) -> None:
    pod = pod_of(environment, service)
    keys = [each["topologyKey"] for each in pod["topologySpreadConstraints"]]
    zones = ["topology.kubernetes.io/zone"] if environment == "prod" else []
    assert keys == [*zones, "kubernetes.io/hostname"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_api_that_goes_still_answers_what_is_on_its_way(environment: str) -> None:
    pod = pod_of(environment, "prediction-api")
    wait_s = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert wait_s >= 5
    assert pod["terminationGracePeriodSeconds"] >= wait_s + 30


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_stale_data_takes_no_api_out_of_service(environment: str) -> None:
    # /health is 503 where one market is stale; all pods would go at once.
    container = pod_of(environment, "prediction-api")["containers"][0]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["path"] == "/live"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_stream_is_ready_when_it_is_well_and_killed_only_when_it_is_silent(
    environment: str,
) -> None:
    for service in SERVICES.keys() - {"prediction-api"}:
        container = pod_of(environment, service)["containers"][0]
        assert container["readinessProbe"]["httpGet"]["path"] == "/health"
        assert container["livenessProbe"]["httpGet"]["path"] == "/metrics"
