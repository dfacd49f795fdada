"""Files that define indicators: found by themselves in their folder, and what they have to give."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from inspect import getfile
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Protocol

from marketstream.errors import SettingsError
from marketstream.nearest import did_you_mean
from technical_indicators.base_definition import TooShortError


class Reading(Protocol):
    """What a file gives as INDICATOR: it says which columns of candles it reads."""

    @property
    def inputs(self) -> tuple[str, ...]: ...  # noqa: D102


class Defined[Form](Reading, Protocol):
    """One of base candles; `form` is given the length of one in seconds."""

    @property
    def form(self) -> Callable[..., Form]: ...  # noqa: D102
    @property
    def parameters(self) -> Mapping[str, int | float]: ...  # noqa: D102


def files_of(package: ModuleType) -> list[str]:
    """Return the names of the modules of a package, in order: each is an indicator."""
    return sorted(found.name for found in iter_modules(package.__path__) if not found.ispkg)


def definition_of[Definition: Reading](
    file: str, module: ModuleType, kind: type[Definition], known: Sequence[str]
) -> Definition:
    """Return the definition that a file gives.

    SettingsError where it gives none, or reads columns that are not among those known.
    """
    definition = getattr(module, "INDICATOR", None)
    if not isinstance(definition, kind):
        raise SettingsError(f"indicators: {file} has to give a {kind.__name__} named INDICATOR")
    strange = [column for column in definition.inputs if column not in known]
    if strange:
        raise SettingsError(
            f"indicators: {file} wants {strange[0]!r} of candles: "
            f"{did_you_mean(strange[0], known)}they have {', '.join(known)}"
        )
    return definition


def form_of[Form](
    name: str, definition: Defined[Form], given: Mapping[str, int | float], base_s: float
) -> Form:
    """Return the form of an indicator with its parameters; SettingsError says which make no sense.

    TooShortError is raised of a span shorter than a base candle.
    """
    try:
        return definition.form(base_s, **{**definition.parameters, **given})
    except TooShortError:
        raise
    except ValueError as error:
        raise SettingsError(
            f"indicators: {name} does not accept {dict(given) or dict(definition.parameters)}: "
            f"{error}"
        ) from error


def digest_of(module: ModuleType) -> str:
    """Return what tells a file from one with another formula."""
    return hashlib.sha256(Path(getfile(module)).read_bytes()).hexdigest()
