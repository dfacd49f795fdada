"""The services of services/manifest.yaml, as scripts and tests use them."""

from __future__ import annotations

import importlib
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

ROOT = Path(__file__).resolve().parents[1]
STAND_IN = "exchange-simulator"  # has an image of its own, and is no service


@dataclass(frozen=True, slots=True)
class Service:
    """A service; services/manifest.yaml says what each field means."""

    name: str
    module: str
    settings: str
    port: int
    reads: list[str]
    writes: list[str]
    compose: dict[str, Any]
    resources: dict[str, dict[str, str]]
    talks_to: list[str] = field(default_factory=list)
    single: bool = False
    sharded: bool = False
    api: bool = False
    dockerfile: str = "template"

    @property
    def deployed(self) -> str:
        """Return its name on Kubernetes and in Prometheus, which may not hold an underscore."""
        return self.name.replace("_", "-")

    @property
    def folder(self) -> Path:
        """Return where its sources are."""
        return ROOT / "services" / self.name

    @property
    def listens(self) -> dict[str, str]:
        """Return the variables that have it listen on every address."""
        kind = "API" if self.api else "METRICS"
        return {f"{kind}_HOST": "0.0.0.0", f"{kind}_PORT": str(self.port)}

    def project(self) -> dict[str, Any]:
        """Return its pyproject.toml's `project`."""
        project: dict[str, Any] = _project_of(self.folder)
        return project

    def settings_class(self) -> type[BaseModel]:
        """Return what reads its config.yaml; its package has to be installed."""
        module, _, name = self.settings.rpartition(".")
        found: type[BaseModel] = getattr(importlib.import_module(module), name)
        return found

    def libraries(self) -> list[str]:
        """Return the folders in libs/ that it needs, itself or by another, in order."""
        folders = {_project_of(path)["name"]: path for path in (ROOT / "libs").iterdir()}
        wanted, found = [self.project()], set[str]()
        while wanted:
            names = {_bare(each) for each in wanted.pop()["dependencies"]} & folders.keys() - found
            found |= names
            wanted += [_project_of(folders[name]) for name in names]
        return sorted(folders[name].name for name in found)


def load(path: Path = ROOT / "services" / "manifest.yaml") -> list[Service]:
    """Return all services; ValueError where an entry lacks a field or has one that is none."""
    found = []
    for entry in yaml.safe_load(path.read_text()):
        try:
            found.append(Service(**entry))
        except TypeError as error:
            raise ValueError(f"{path.name}: {entry.get('name')}: {error}") from error
    return found


def _project_of(folder: Path) -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    return project


def _bare(requirement: str) -> str:
    return requirement.partition("[")[0].partition(">")[0].partition("=")[0].strip()


SERVICES = load()
