"""Fills docker/service.template with what each service is."""

from __future__ import annotations

import re
from pathlib import Path

from manifest import ROOT, SERVICES, Service

_FOLDER = ROOT / "docker"


def wanted() -> dict[Path, str]:
    """Return the Dockerfiles of services that have none of their own, by where they belong."""
    template = (_FOLDER / "service.template").read_text()
    return {
        _FOLDER / f"{service.name}.Dockerfile": filled(template, service)
        for service in SERVICES
        if service.dockerfile == "template"
    }


def filled(template: str, service: Service) -> str:
    """Return a template with each `<word>` replaced; KeyError for one that means nothing."""
    libraries = service.libraries()
    words = {
        "name": service.name,
        "module": service.module,
        "port": str(service.port),
        "project": service.project()["name"],
        "description": service.project()["description"],
        "locked": "\n".join(f"COPY libs/{each}/pyproject.toml libs/{each}/" for each in libraries),
        "libraries": "\n".join(f"COPY libs/{each} libs/{each}" for each in libraries),
    }
    return re.sub(r"<([a-z]+)>", lambda found: words[found[1]], template)
