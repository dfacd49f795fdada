"""Write the chart's manifests to deployment/dev and deployment/prod: `render.py [--check]`.

There is a file for each service, so that one can be deployed alone, and three for what they share.
With --check nothing is written; files that are not what the chart gives are named, and it exits 1.
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
_APART = {
    "Namespace": "00-namespace",
    "ServiceMonitor": "monitoring",
    "PrometheusRule": "monitoring",
}
_HEAD = "# Rendered from deployment/chart with values-{}.yaml by `make render`: change it there.\n"


def render(environment: str) -> dict[str, str]:
    """Return the content of each file of an environment by its name."""
    values = yaml.safe_load((DEPLOYMENT / f"values-{environment}.yaml").read_text())
    with helm_python.Chart.load(DEPLOYMENT / "chart") as chart:
        templates = chart.render(values, name="realtime", namespace=NAMESPACES[environment])
    files: dict[str, list[str]] = defaultdict(list)
    for _, rendered in sorted(templates.items()):
        for document in re.split(r"^---$", rendered, flags=re.MULTILINE):
            manifest = yaml.safe_load(document)
            if manifest is not None:
                text = re.sub(r"[ \t]+$", "", document.strip(), flags=re.MULTILINE)
                files[_file_of(manifest)].append(text + "\n")
    head = _HEAD.format(environment)
    return {name: head + "---\n".join(["", *files[name]]) for name in sorted(files)}


def _file_of(manifest: dict[str, Any]) -> str:
    labels = manifest["metadata"]["labels"]
    if manifest["kind"] in _APART:
        return f"{_APART[manifest['kind']]}.yaml"
    if "grafana_dashboard" in labels:
        return "monitoring.yaml"
    return f"{labels.get('app.kubernetes.io/name', '01-common')}.yaml"


def main(arguments: list[str]) -> int:
    """Write the files, or compare with them; return the exit code."""
    stale: list[Path] = []
    for environment in NAMESPACES:
        folder = DEPLOYMENT / environment
        wanted = {folder / name: text for name, text in render(environment).items()}
        there = {path: path.read_text() for path in folder.glob("*.yaml")}
        stale += [path for path in {*wanted, *there} if wanted.get(path) != there.get(path)]
        if "--check" in arguments:
            continue
        for path in there.keys() - wanted.keys():
            path.unlink()
        for path, text in wanted.items():
            path.write_text(text)
    for path in sorted(stale):
        print(path.relative_to(DEPLOYMENT.parent))
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
