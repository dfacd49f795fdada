"""Write the chart's manifests to deployment/dev and deployment/prod: `render.py [--check]`.

There is a file for each service, so that one can be deployed alone, and two for what they share.
What only clusters with the Prometheus operator understand is apart, in deployment/monitoring, so
that `kubectl apply -f deployment/prod/` works everywhere. With --check nothing is written; files
that are not what the chart gives are named, and it exits 1.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import helm_python
import yaml

DEPLOYMENT = Path(__file__).resolve().parents[1] / "deployment"
NAMESPACES = {"dev": "default", "prod": "production"}
MONITORING = "monitoring/prometheus-operator.yaml"
_HEAD = "# Rendered from deployment/chart with values-{}.yaml by `make render`: change it there.\n"


def render(environment: str) -> dict[str, str]:
    """Return the content of each file of an environment by its path in deployment/."""
    values = yaml.safe_load((DEPLOYMENT / f"values-{environment}.yaml").read_text())
    with helm_python.Chart.load(DEPLOYMENT / "chart") as chart:
        templates = chart.render(values, name="realtime", namespace=NAMESPACES[environment])
    files: dict[str, list[str]] = defaultdict(list)
    for _, rendered in sorted(templates.items()):
        for document in re.split(r"^---$", rendered, flags=re.MULTILINE):
            manifest = yaml.safe_load(document)
            if manifest is not None:
                text = re.sub(r"[ \t]+$", "", document.strip(), flags=re.MULTILINE)
                files[_file_of(environment, manifest)].append(text + "\n")
    head = _HEAD.format(environment)
    return {name: head + "---\n".join(["", *files[name]]) for name in sorted(files)}


def _file_of(environment: str, manifest: dict[str, Any]) -> str:
    if manifest["kind"] == "Namespace":
        return f"{environment}/00-namespace.yaml"
    labels = manifest["metadata"]["labels"]
    if manifest["apiVersion"].startswith("monitoring.") or "grafana_dashboard" in labels:
        return MONITORING
    return f"{environment}/{labels.get('app.kubernetes.io/name', '01-common')}.yaml"


def main(arguments: list[str]) -> int:
    """Write the files, or compare with them; return the exit code."""
    wanted = {
        DEPLOYMENT / path: text
        for environment in NAMESPACES
        for path, text in render(environment).items()
    }
    paths = [path for each in NAMESPACES for path in (DEPLOYMENT / each).glob("*.yaml")]
    there = {path: path.read_text() for path in {*paths, *wanted} if path.exists()}
    stale = sorted(path for path in {*wanted, *there} if wanted.get(path) != there.get(path))
    for path in stale:
        print(path.relative_to(DEPLOYMENT.parent))
        if "--check" not in arguments:
            path.unlink(missing_ok=True)
            if path in wanted:
                path.write_text(wanted[path])
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
