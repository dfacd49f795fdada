"""Files that define indicators: found by themselves in their folder, and what they have to give."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from inspect import getfile
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Protocol

from marketstream.errors import SettingsError
from marketstream.nearest import did_you_mean
from technical_indicators.base_definition import TooShortError
from technical_indicators.port import BASE_COLUMNS, COLUMNS


class Defined[Form](Protocol):
    """What a file gives as INDICATOR; `form` is given the length of a base candle in seconds."""

    @property
    def form(self) -> Callable[..., Form]: ...  # noqa: D102
    @property
    def inputs(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def parameters(self) -> Mapping[str, int | float]: ...  # noqa: D102


def files_of(package: ModuleType) -> list[str]:
    """Return the names of the modules of a package, in order: each is an indicator."""
    return sorted(found.name for found in iter_modules(package.__path__))


def definition_of[Definition: Defined[object]](
    file: str, module: ModuleType, kind: type[Definition]
) -> Definition:
    """Return the definition that a file gives.

    SettingsError where it gives none, or reads what candles do not have.
    """
    definition = getattr(module, "INDICATOR", None)
    if not isinstance(definition, kind):
        raise SettingsError(f"indicators: {file} has to give a {kind.__name__} named INDICATOR")
    known = (*COLUMNS, *BASE_COLUMNS)
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
