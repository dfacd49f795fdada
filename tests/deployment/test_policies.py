"""What no pod may do or lack, in either environment."""

from __future__ import annotations

import json
import re

import pytest

from .manifests import ENVIRONMENTS, SERVICES, Manifest, manifests, named, of_kind, workloads

WORKLOADS = [pytest.param(manifest, id=name) for name, manifest in workloads()]
OF_EACH_WORKLOAD = pytest.mark.parametrize("workload", WORKLOADS)
SECRET = re.compile(r"password|passwd|secret|token|private.?key|api.?key", re.IGNORECASE)


def pod_of(workload: Manifest) -> Manifest:
    pod: Manifest = workload["spec"]["template"]["spec"]
    return pod


def containers_of(workload: Manifest) -> list[Manifest]:
    pod = pod_of(workload)
    return [*pod.get("initContainers", []), *pod["containers"]]


@OF_EACH_WORKLOAD
def test_nothing_runs_as_root_or_may_become_it(workload: Manifest) -> None:
    pod = pod_of(workload)["securityContext"]
    assert pod["runAsNonRoot"] is True
    assert pod["runAsUser"] > 0
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers_of(workload):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@OF_EACH_WORKLOAD
def test_nothing_shares_the_node_s_own_things(workload: Manifest) -> None:
    pod = pod_of(workload)
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    assert [volume for volume in pod.get("volumes", []) if "hostPath" in volume] == []
    ports = [port for container in containers_of(workload) for port in container["ports"]]
    assert [port for port in ports if "hostPort" in port] == []


@OF_EACH_WORKLOAD
def test_no_pod_may_ask_the_cluster_anything(workload: Manifest) -> None:
    assert pod_of(workload)["automountServiceAccountToken"] is False


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_service_accounts_have_no_rights(environment: str) -> None:
    accounts = of_kind(environment, "ServiceAccount")
    assert {account["metadata"]["name"] for account in accounts} == set(SERVICES)
    assert all(account["automountServiceAccountToken"] is False for account in accounts)
    kinds = {manifest["kind"] for manifest in manifests(environment)}
    assert not kinds & {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}


@OF_EACH_WORKLOAD
def test_images_have_a_tag_and_it_is_not_latest(workload: Manifest) -> None:
    for container in containers_of(workload):
        _, _, tag = container["image"].rpartition("/")[2].partition(":")
        assert tag not in ("", "latest")


@OF_EACH_WORKLOAD
def test_requests_and_limits_are_set_and_fit(workload: Manifest) -> None:
    for container in containers_of(workload):
        resources = container["resources"]
        for name in ("cpu", "memory"):
            assert 0 < amount(resources["requests"][name]) <= amount(resources["limits"][name])


def amount(quantity: str) -> float:
    """Return a quantity of Kubernetes as a number."""
    units = {"m": 1e-3, "Mi": 2**20, "Gi": 2**30, "": 1}
    found = re.fullmatch(r"([0-9.]+)(m|Mi|Gi|)", quantity)
    assert found is not None, quantity
    return float(found[1]) * units[found[2]]


@OF_EACH_WORKLOAD
def test_every_container_is_asked_whether_it_is_ready_and_alive(workload: Manifest) -> None:
    for container in containers_of(workload):
        ports = {port["name"] for port in container["ports"]}
        for probe in ("livenessProbe", "readinessProbe"):
            asked = container[probe]
            where = asked.get("httpGet") or asked.get("tcpSocket")
            assert "exec" in asked or where["port"] in ports


@OF_EACH_WORKLOAD
def test_services_named_like_ours_set_no_variables(workload: Manifest) -> None:
    # A Service `postgres` would set POSTGRES_PORT to tcp://…, which is a setting of ours.
    assert pod_of(workload)["enableServiceLinks"] is False


@OF_EACH_WORKLOAD
def test_what_is_written_goes_to_a_volume(workload: Manifest) -> None:
    writable = {
        volume["name"]
        for volume in pod_of(workload).get("volumes", [])
        if {"emptyDir", "persistentVolumeClaim"} & volume.keys()
    } | {claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", [])}
    for container in containers_of(workload):
        mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        assert "/tmp" in {mounted[name] for name in writable & mounted.keys()}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_secret_lies_in_a_config_map_or_an_environment(environment: str) -> None:
    for config_map in of_kind(environment, "ConfigMap"):
        assert [key for key in config_map["data"] if SECRET.search(key)] == []
    for workload in of_kind(environment, "Deployment", "StatefulSet"):
        for container in containers_of(workload):
            for variable in container.get("env", []):
                if SECRET.search(variable["name"]):
                    assert "secretKeyRef" in variable["valueFrom"]
                    assert "value" not in variable


def test_production_holds_no_secret_at_all_and_dev_the_example_only() -> None:
    assert of_kind("prod", "Secret") == []
    (secret,) = of_kind("dev", "Secret")
    assert secret["stringData"] == {"POSTGRES_PASSWORD": "secret"}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_nothing_may_talk_to_anything_unless_a_policy_says_so(environment: str) -> None:
    assert named(environment, "NetworkPolicy", "default-deny")["spec"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }
    for policy in of_kind(environment, "NetworkPolicy"):
        for rule in [*policy["spec"].get("ingress", []), *policy["spec"].get("egress", [])]:
            peers = rule.get("from", rule.get("to"))
            assert peers, policy["metadata"]["name"]
            assert {} not in peers
            assert rule["ports"], policy["metadata"]["name"]


def test_only_who_asks_the_exchange_may_reach_the_internet() -> None:
    open_ones = [
        policy["metadata"]["name"]
        for policy in of_kind("prod", "NetworkPolicy")
        if "0.0.0.0/0" in json.dumps(policy)
    ]
    assert sorted(open_ones) == ["storekeeper", "trades"]


def test_production_answers_through_tls_only() -> None:
    (ingress,) = of_kind("prod", "Ingress")
    hosts = {rule["host"] for rule in ingress["spec"]["rules"]}
    (tls,) = ingress["spec"]["tls"]
    assert set(tls["hosts"]) == hosts
    assert tls["secretName"]
