"""Policies between pods in the cluster: who is sent somewhere gets there, and nobody else does."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from prometheus_client import CollectorRegistry
from starlette.routing import Route

from marketstream.fakes import FakePorts
from marketstream.metrics import Metrics
from marketstream.plan import Plan
from prediction_api.routes.app import build_app
from prediction_api.settings import ApiSettings
from prediction_api.views.market_views import MarketViews

from .manifests import SERVICES, Manifest, environment_of, named, of_kind
from .test_settings import TALKS_TO, port_of

INSIDE = ("kafka", "postgres", "exchange-simulator")


def labels_of(name: str) -> dict[str, str]:
    kind = "StatefulSet" if name in ("kafka", "postgres") else "Deployment"
    labels: dict[str, str] = named("dev", kind, name)["spec"]["template"]["metadata"]["labels"]
    return labels


def policies_of(name: str) -> list[Manifest]:
    """Return the policies that a pod is under."""
    return [
        policy["spec"]
        for policy in of_kind("dev", "NetworkPolicy")
        if policy["spec"]["podSelector"].get("matchLabels", {}).items() <= labels_of(name).items()
    ]


def lets(name: str, direction: str, peer: str, port: int) -> bool:
    """Say whether the policies of a pod let it talk with another of the namespace at a port."""
    place = "to" if direction == "egress" else "from"
    return any(
        each["podSelector"]["matchLabels"].items() <= labels_of(peer).items()
        for policy in policies_of(name)
        for rule in policy.get(direction, [])
        if port in {allowed["port"] for allowed in rule["ports"]}
        for each in rule[place]
        if set(each) == {"podSelector"}
    )


def asked_by(service: str) -> set[tuple[str, int]]:
    """Return the names and ports that a service is sent to."""
    told = environment_of("dev", service)
    addresses = {told[name] for name in TALKS_TO[service] if name in told and ":" in told[name]}
    found = {
        (urlsplit(f"//{each.rpartition('//')[2]}").hostname, port_of(each)) for each in addresses
    }
    if "POSTGRES_PORT" in TALKS_TO[service]:
        found.add((told["POSTGRES_HOST"], port_of(told["POSTGRES_PORT"])))
    return {(str(host), port) for host, port in found}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_gets_through_to_whom_it_is_sent_and_to_nobody_else(service: str) -> None:
    asked = asked_by(service)
    assert {host for host, _ in asked} <= {*INSIDE}
    for host, port in asked:
        (served,) = named("dev", "Service", host)["spec"]["ports"]
        assert port == served["port"] == served["targetPort"]
        assert lets(service, "egress", host, port)
        assert lets(host, "ingress", service, port)
    for other in {*INSIDE} - {host for host, _ in asked}:
        (served,) = named("dev", "Service", other)["spec"]["ports"]
        assert not lets(service, "egress", other, served["port"])


@pytest.mark.parametrize("name", [*SERVICES, *INSIDE])
def test_every_pod_may_ask_for_names(name: str) -> None:
    rules = [rule for policy in policies_of(name) for rule in policy.get("egress", [])]
    assert [rule for rule in rules if {port["port"] for port in rule["ports"]} == {53}]


def test_a_broker_reaches_itself_by_the_name_it_tells_others() -> None:
    assert lets("kafka", "egress", "kafka", 9092)
    assert lets("kafka", "ingress", "kafka", 9092)


@pytest.mark.parametrize("service", SERVICES)
def test_in_production_only_prometheus_and_the_ingress_come_in(service: str) -> None:
    (rule,) = named("prod", "NetworkPolicy", service)["spec"]["ingress"]
    names = {
        peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        for peer in rule["from"]
    }
    expected = {"monitoring", "ingress-nginx"} if service == "prediction-api" else {"monitoring"}
    assert names == expected
    assert rule["ports"] == [{"port": "http", "protocol": "TCP"}]


def test_the_ingress_shows_every_route_of_the_api_but_the_metrics() -> None:
    metrics = Metrics(CollectorRegistry())
    plan = Plan(("binance:BTC/USDT",), "1s", (1,))
    ports = FakePorts(Path())
    views = MarketViews(plan, metrics, now_ns=time.time_ns)
    app = build_app(plan, views, metrics, ports.store, ApiSettings())
    routes = {f"/{route.path.split('/')[1]}" for route in app.routes if isinstance(route, Route)}
    (ingress,) = of_kind("prod", "Ingress")
    (rule,) = ingress["spec"]["rules"]
    shown = {path["path"]: path["pathType"] for path in rule["http"]["paths"]}
    assert shown == dict.fromkeys(routes - {"/metrics"}, "Prefix") | {"/": "Exact"}
