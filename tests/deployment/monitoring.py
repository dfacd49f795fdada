"""The rules and dashboards, and what their expressions ask for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml
from prometheus_client import CollectorRegistry

from marketstream.metrics import Metrics

from .manifests import DEPLOYMENT

MONITORING = DEPLOYMENT / "monitoring"
RULES = sorted((MONITORING / "rules").glob("*.yaml"))
DASHBOARDS = sorted((MONITORING / "dashboards").glob("*.json"))
_ADDED = {"job", "instance", "le"}  # by Prometheus
_SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


def rules() -> list[dict[str, Any]]:
    """Return all rules, alerts and recorded ones."""
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    """Return the alerts by name."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the charts of all dashboards, each after the dashboard's name."""
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            yield path.stem, panel


def expressions() -> dict[str, str]:
    """Return every expression, as Grafana would ask it, by where it is."""
    found = {f"rule {rule.get('alert', rule.get('record'))}": rule["expr"] for rule in rules()}
    for dashboard, panel in panels():
        for target in panel["targets"]:
            expression = target["expr"].replace("$__rate_interval", "1m").replace("$market", ".*")
            found[f"{dashboard}: {panel['title']}: {target['refId']}"] = expression
    return found


def known_series() -> dict[str, set[str]]:
    """Return the labels of every series that the services have, by its name."""
    metrics = vars(Metrics(CollectorRegistry())).values()
    return {
        metric._name + suffix: {*metric._labelnames}
        for metric in metrics
        if hasattr(metric, "_labelnames")
        for suffix in _SUFFIXES[metric._type]
    }


def asked_series(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Yield the series of ours in an expression, with the labels by which they are selected."""
    for found in re.finditer(r"\b(realtime_\w+)(?:\{([^}]*)\})?", expression):
        yield found[1], set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", found[2] or "")) - _ADDED


def asked_labels(expression: str) -> set[str]:
    """Return the labels by which an expression groups or matches."""
    lists = re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression)
    return {label.strip() for each in lists for label in each.split(",")} - _ADDED - {""}
