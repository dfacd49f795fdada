"""Models that are Python: an entry point of the group `realtime.models`, or `module:attribute`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from marketstream.errors import SettingsError
from marketstream.nearest import did_you_mean
from predictor.arena.guest import ArenaModel

GROUP = "realtime.models"


def made(name: str, where: str, features: tuple[str, ...]) -> ArenaModel:
    """Return the model of an entry point, called with the names of features.

    SettingsError where there is no such thing, it fails, or it has no `probabilities`.
    """
    factory = _found(name, where)
    try:
        model = factory(features)
    except Exception as error:
        raise SettingsError(
            f"arena.{name}: {where} fails, called with the names of {len(features)} features: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not callable(getattr(model, "probabilities", None)):
        raise SettingsError(
            f"arena.{name}: what {where} returns is a {type(model).__name__} without a method "
            "probabilities(row, horizon_ms): see docs/arena.md"
        )
    found: ArenaModel = model
    return found


def _found(name: str, where: str) -> Callable[[tuple[str, ...]], Any]:
    module, colon, attribute = where.partition(":")
    try:
        if colon:
            found: Any = import_module(module)
            for part in attribute.split("."):
                found = getattr(found, part)
        else:
            found = _point(name, where).load()
    except SettingsError:
        raise
    except Exception as error:
        raise SettingsError(
            f"arena.{name}: {where} cannot be imported ({type(error).__name__}: {error}): install "
            "its package beside this one, or mend the name"
        ) from error
    if not callable(found):
        raise SettingsError(f"arena.{name}: {where} is a {type(found).__name__}, and no callable")
    return found  # type: ignore[no-any-return]


def _point(name: str, where: str) -> EntryPoint:
    points = {point.name: point for point in entry_points(group=GROUP)}
    if where in points:
        return points[where]
    known = ", ".join(points) or "none"
    raise SettingsError(
        f"arena.{name}: no installed package has an entry point {where} in the group {GROUP}: "
        f"{did_you_mean(where, points)}there are {known}; module:attribute needs none"
    )
