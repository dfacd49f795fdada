"""The names of what can be fitted, told without importing it."""

from __future__ import annotations

from pathlib import Path
from pkgutil import iter_modules


def learner_names() -> tuple[str, ...]:
    """Return the names of the modules of `models`: each is a learner."""
    folder = Path(__file__).parent / "models"
    return tuple(sorted(found.name for found in iter_modules([str(folder)]) if not found.ispkg))
