"""The Dockerfiles, read as far as tests need them."""

from __future__ import annotations

import re

from manifest import ROOT, SERVICES

FOLDER = ROOT / "docker"
NAMES = [service.name for service in SERVICES]
IMAGES = sorted(path.name.removesuffix(".Dockerfile") for path in FOLDER.glob("*.Dockerfile"))


def text_of(image: str) -> str:
    """Return a Dockerfile with its continued lines joined."""
    return re.sub(r"\s*\\\n\s*", " ", (FOLDER / f"{image}.Dockerfile").read_text())


def instructions(image: str, name: str) -> list[str]:
    """Return the arguments of an instruction in the last stage, the one that runs."""
    stage = re.split(r"(?m)^FROM ", text_of(image))[-1]
    return re.findall(rf"(?m)^{name} (.*)$", stage)


def environment(image: str) -> dict[str, str]:
    """Return what the image sets."""
    (pairs,) = instructions(image, "ENV")
    return dict(pair.split("=", 1) for pair in pairs.split())
