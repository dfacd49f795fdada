"""Write what is made of services/manifest.yaml and of venues: `lists.py [--check]`.

Between `# made by make render: NAME` and `# end` of a file stands what NAME gives; Dockerfiles are
made of docker/service.template, and the chart links to each config.yaml. With --check nothing is
written; files that are not as they would be are named, and it exits 1.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import indent

import chart
import compose
import dockerfiles
import monitored
import packages
import scaling
import venue_table
from manifest import ROOT, SERVICES, STAND_IN

_BLOCK = re.compile(
    r"^(?P<begin>(?P<margin> *)(?:#|<!--) made by make render: (?P<name>\w[\w ]*\w)(?: -->)?\n)"
    r".*?(?P<end>^ *(?:# end|<!-- end -->)$)",
    re.DOTALL | re.MULTILINE,
)
_LINKS = ROOT / "deployment" / "chart" / "config"

type Content = Callable[[], str]


def published() -> str:
    """Return the images that a release pushes."""
    return "\n".join(f"- {name}" for name in [*(each.name for each in SERVICES), STAND_IN])


def table() -> str:
    """Return the services as a table of a page in docs/."""
    rows = ["| service | what it does | reads | writes | port |", "|---|---|---|---|---|"]
    for each in SERVICES:
        reads, writes = (", ".join(f"`{n}`" for n in names) for names in (each.reads, each.writes))
        name = f"[services/{each.name}](../services/{each.name})"
        description = each.project()["description"]
        rows.append(f"| {name} | {description} | {reads} | {writes} | {each.port} |")
    return "\n".join(rows)


BLOCKS: dict[str, dict[str, Content]] = {
    "docker-compose.yml": {
        "services": compose.services,
        "volumes": compose.volumes,
        "all": compose.waits,
        "all live": compose.live_waits,
        "makers of topics": compose.topic_waits,
    },
    "deployment/chart/values.yaml": {"services": chart.services},
    "deployment/monitoring/prometheus.yaml": {"targets": monitored.targets},
    "deployment/monitoring/dashboards.yaml": {"answering": monitored.answering},
    "deployment/monitoring/rules/pipeline.yaml": {"alerts": monitored.alerts},
    "deployment/monitoring/tests/pipeline.test.yaml": {
        "known": monitored.known,
        "missed": monitored.missed,
    },
    "docs/house.md": {"services": table},
    "docs/scaling.md": {"needs": scaling.needs},
    "docs/venues.md": {"venues": venue_table.table},
    ".github/workflows/publish.yml": {"images": published},
    "pyproject.toml": {
        "dependencies": packages.dependencies,
        "sources": packages.sources,
        "paths": packages.paths,
        "modules": packages.modules,
        "layer": packages.layer,
        "all but prediction_api": lambda: packages.others_than("prediction_api"),
    },
}


def wanted() -> Iterator[tuple[Path, str]]:
    """Yield each file that has to do with services, and what it should hold."""
    yield from dockerfiles.wanted().items()
    for name, contents in BLOCKS.items():
        path = ROOT / name
        yield path, filled(path.read_text(), contents)


def filled(text: str, contents: dict[str, Content]) -> str:
    """Return a text with its blocks filled; KeyError for a block that nothing is known of."""

    def block(found: re.Match[str]) -> str:
        content = indent(contents[found["name"]](), found["margin"])
        return f"{found['begin']}{content}\n{found['end']}"

    return _BLOCK.sub(block, text)


def stale_links() -> Iterator[tuple[Path, Path]]:
    """Yield each link of the chart that is not to the config.yaml it should be, and that."""
    for service in SERVICES:
        link = _LINKS / f"{service.deployed}.yaml"
        target = Path("../../../services") / service.name / "config.yaml"
        if not link.is_symlink() or link.readlink() != target:
            yield link, target


def main(arguments: list[str]) -> int:
    """Write the files, or compare with them; return the exit code."""
    writing = "--check" not in arguments
    files = [
        (path, text) for path, text in wanted() if not path.exists() or path.read_text() != text
    ]
    links = list(stale_links())
    for path, _ in [*files, *links]:
        print(path.relative_to(ROOT))
    if writing:
        for path, text in files:
            path.write_text(text)
        for link, target in links:
            link.unlink(missing_ok=True)
            link.symlink_to(target)
    return 1 if (files or links) and not writing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
