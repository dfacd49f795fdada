"""What the root pyproject.toml says of every package."""

from __future__ import annotations

from manifest import ROOT, SERVICES, STAND_IN

_MODULES = [service.module for service in SERVICES] + [STAND_IN.replace("-", "_")]
_PROJECTS = [service.project()["name"] for service in SERVICES] + [STAND_IN]


def dependencies() -> str:
    """Return the projects."""
    return "\n".join(f'"{name}",' for name in _PROJECTS)


def sources() -> str:
    """Return where uv finds them."""
    return "\n".join(f"{name} = {{ workspace = true }}" for name in _PROJECTS)


def paths() -> str:
    """Return where mypy finds them."""
    folders = [service.folder for service in SERVICES] + [ROOT / "services" / _MODULES[-1]]
    return "\n".join(f'"{folder.relative_to(ROOT)}/src",' for folder in folders)


def modules() -> str:
    """Return the packages."""
    return _on_a_line(_MODULES)


def layer() -> str:
    """Return the packages that never import each other."""
    return f'"{" | ".join(_MODULES)}",'


def others_than(module: str) -> str:
    """Return the packages but one."""
    return _on_a_line([each for each in _MODULES if each != module])


def _on_a_line(names: list[str]) -> str:
    return " ".join(f'"{name}",' for name in names)
