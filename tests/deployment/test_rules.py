"""Rules and dashboards ask for what is there, every alert is tested, and each has a runbook."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from .manifests import ROOT, of_kind
from .monitoring import (
    DASHBOARDS,
    MONITORING,
    RULES,
    alerts,
    asked_labels,
    asked_series,
    expressions,
    known_series,
    panels,
)

RULE_TESTS = sorted((MONITORING / "tests").glob("*.test.yaml"))
RUNBOOKS = ROOT / "docs" / "runbooks"


def promtool(*arguments: str | Path) -> None:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.prometheus
def test_promtool_accepts_the_configuration_and_its_rules() -> None:
    promtool("check", "config", MONITORING / "prometheus.yaml")


@pytest.mark.prometheus
@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.name)
def test_alerts_fire_where_they_should_and_nowhere_else(path: Path) -> None:
    promtool("test", "rules", path)


@pytest.mark.prometheus
def test_promtool_accepts_every_expression_of_the_dashboards(tmp_path: Path) -> None:
    rules = [
        {"record": f"checked:expression:{number}", "expr": expression}
        for number, expression in enumerate(expressions().values())
    ]
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "checked", "rules": rules}]}))
    promtool("check", "rules", path)


def test_every_alert_is_tested_both_firing_and_silent() -> None:
    cases = [
        case
        for path in RULE_TESTS
        for test in yaml.safe_load(path.read_text())["tests"]
        for case in test["alert_rule_test"]
    ]
    firing = {case["alertname"] for case in cases if case["exp_alerts"]}
    silent = {case["alertname"] for case in cases if not case["exp_alerts"]}
    assert firing == silent == alerts().keys()


def test_rule_tests_are_of_the_rules_there_are() -> None:
    tested = [yaml.safe_load(path.read_text())["rule_files"] for path in RULE_TESTS]
    assert sorted(name for names in tested for name in names) == [
        f"../rules/{path.name}" for path in RULES
    ]


@pytest.mark.parametrize("where", expressions())
def test_expressions_ask_for_series_and_labels_that_the_services_have(where: str) -> None:
    expression, known = expressions()[where], known_series()
    asked = list(asked_series(expression))
    assert [name for name, _ in asked if name not in known] == []
    assert [(name, labels - known[name]) for name, labels in asked if labels - known[name]] == []
    labels = set().union(*(known[name] for name, _ in asked))
    assert asked_labels(expression) <= labels


def test_whatever_is_measured_is_shown_or_watched() -> None:
    asked = {name for each in expressions().values() for name, _ in asked_series(each)}
    families = {name.removesuffix("_bucket") for name in asked}
    histograms = {name.removesuffix("_bucket") for name in known_series() if "_bucket" in name}
    series = {n for n in known_series() if not n.startswith(tuple(histograms))} | histograms
    assert series - families == set()


def test_every_alert_has_a_severity_a_summary_and_a_runbook_of_its_own() -> None:
    for name, alert in alerts().items():
        assert alert["labels"]["severity"] in ("warning", "critical")
        assert alert["annotations"].keys() == {"summary", "runbook"}
        assert alert["annotations"]["runbook"] == f"docs/runbooks/{name}.md"


def test_every_runbook_is_of_an_alert_and_says_what_to_do() -> None:
    pages = {path.stem: path.read_text() for path in RUNBOOKS.glob("*.md")}
    index = pages.pop("README")
    assert pages.keys() == alerts().keys()
    for name, page in pages.items():
        headings = [line for line in page.splitlines() if line.startswith("#")]
        assert headings == [f"# {name}", "## What it means", "## See", "## Do"], name
        assert f"({name}.md)" in index


def test_the_dashboards_are_made_of_their_description() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "dashboards.py", "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, ""), "run `make render`"


def test_the_chart_has_every_rule_and_every_dashboard() -> None:
    groups = [rule["spec"]["groups"] for rule in of_kind("prod", "PrometheusRule")]
    written = [yaml.safe_load(path.read_text())["groups"] for path in RULES]
    assert sorted(groups, key=str) == sorted(written, key=str)
    config_maps = [config_map["data"] for config_map in of_kind("prod", "ConfigMap")]
    for path in DASHBOARDS:
        (text,) = [data[path.name] for data in config_maps if path.name in data]
        assert json.loads(text) == json.loads(path.read_text())


def test_dashboards_can_be_told_apart_and_their_charts_do_not_overlap() -> None:
    files = [json.loads(path.read_text()) for path in DASHBOARDS]
    assert len({each["uid"] for each in files}) == len(files) == 4
    for each in files:
        places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in each["panels"]]
        assert len(set(places)) == len(places)
    assert all(panel["targets"] for _, panel in panels())
