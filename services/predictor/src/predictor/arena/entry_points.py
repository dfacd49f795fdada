"""Models that are Python: an entry point of the group `realtime.models`, or `module:attribute`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NamedTuple

from marketstream.errors import SettingsError
from marketstream.nearest import did_you_mean
from marketstream.redaction import one_line_of
from predictor.arena.fingerprint import fingerprint
from predictor.arena.guest import ArenaModel

GROUP = "realtime.models"


class Made(NamedTuple):
    """A model, the features it reads in its order, and what it is known by."""

    model: ArenaModel
    columns: list[str]
    fingerprint: str


def made(
    name: str, where: str, features: tuple[str, ...], chosen: Sequence[str] | None = None
) -> Made:
    """Return the model of an entry point, called with the names of `features`.

    SettingsError where there is no such thing, it fails, it has no `probabilities`, or what it
    reads is not what is `chosen`.
    """
    factory = _found(name, where)
    try:
        model = factory(features)
    except (Exception, SystemExit) as error:
        raise SettingsError(
            f"arena.{name}: {where} fails, called with the names of {len(features)} features: "
            f"{one_line_of(error)}"
        ) from error
    if not callable(getattr(model, "probabilities", None)):
        raise SettingsError(
            f"arena.{name}: what {where} returns is a {type(model).__name__} without a method "
            "probabilities(row, horizon_ms): see docs/arena.md"
        )
    columns = _columns_of(name, where, model, features, chosen)
    return Made(model, columns, fingerprint(factory, model, columns))


def _columns_of(
    name: str, where: str, model: ArenaModel, features: Sequence[str], chosen: Sequence[str] | None
) -> list[str]:
    told: object = getattr(model, "features", None)
    if told is None:
        return list(features)
    if isinstance(told, str) or not isinstance(told, Sequence) or not told:
        raise SettingsError(
            f"arena.{name}: the `features` of {where} are {told!r}: a list of names is needed"
        )
    read = [str(each) for each in told]
    if chosen is not None and read != list(chosen):
        raise SettingsError(
            f"arena.{name}: {where} reads {', '.join(read)}, by its `features`, and the "
            f"configuration says {', '.join(chosen)}: take `features` out of the configuration, "
            "or write them so, in this order"
        )
    return read


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
    except (Exception, SystemExit) as error:
        raise SettingsError(
            f"arena.{name}: {where} cannot be imported ({one_line_of(error)}): install its package "
            "beside this one, or mend the name"
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
