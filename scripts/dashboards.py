"""Make Grafana's dashboards of deployment/monitoring/dashboards.yaml: `dashboards.py [--check]`.

With --check nothing is written; files that are not as they would be are named, and it exits 1.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

MONITORING = Path(__file__).resolve().parents[1] / "deployment" / "monitoring"
_WIDTH, _HEIGHT, _COLUMNS = 8, 8, 3
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def dashboard(title: str, panels: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a dashboard as Grafana imports it, three panels in a row."""
    return {
        "uid": f"realtime-{_name(title)}",
        "title": f"Realtime: {title}",
        "tags": ["realtime"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [_variable("datasource"), _variable("market")]},
        "panels": [_panel(number, panel) for number, panel in enumerate(panels)],
    }


def _name(title: str) -> str:
    return title.lower().replace(" ", "-")


def _variable(name: str) -> dict[str, Any]:
    if name == "datasource":
        return {"name": name, "type": "datasource", "query": "prometheus"}
    return {
        "name": name,
        "type": "query",
        "datasource": _SOURCE,
        "query": "label_values(realtime_data_age_seconds, market)",
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def _panel(number: int, panel: dict[str, Any]) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel["unit"]}
    if "limit" in panel:
        limit = {"color": "red", "value": panel["limit"]}
        steps = [{"color": "transparent", "value": None}, limit]
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
        defaults["custom"] = {"thresholdsStyle": {"mode": "line"}}
    row, column = divmod(number, _COLUMNS)
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel["title"],
        "datasource": _SOURCE,
        "gridPos": {"x": column * _WIDTH, "y": row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + place), "expr": expression, "legendFormat": legend}
            for place, (legend, expression) in enumerate(panel["show"].items())
        ],
    }


def main(arguments: list[str]) -> int:
    """Write the files, or compare with them; return the exit code."""
    stale = []
    for title, panels in yaml.safe_load((MONITORING / "dashboards.yaml").read_text()).items():
        path = MONITORING / "dashboards" / f"{_name(title)}.json"
        text = json.dumps(dashboard(title, panels), indent=1) + "\n"
        if not path.exists() or path.read_text() != text:
            stale.append(path.name)
            if "--check" not in arguments:
                path.write_text(text)
    for name in stale:
        print(name)
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
