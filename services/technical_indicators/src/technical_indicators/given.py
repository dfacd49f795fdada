"""Parameters of our own indicators as they were given, held against those that there are."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

from marketstream.errors import SettingsError
from marketstream.nearest import did_you_mean


def checked(
    name: str, given: Mapping[str, int | float], defaults: Mapping[str, int | float]
) -> dict[str, int | float]:
    """Return the parameters given, whole where their default is; SettingsError names the others."""
    found: dict[str, int | float] = {}
    for parameter, value in given.items():
        if parameter not in defaults:
            raise SettingsError(
                f"indicators: {name} has no parameter {parameter!r}: "
                f"{did_you_mean(parameter, defaults)}"
                f"it takes {', '.join(defaults) or 'none'}"
            )
        whole = isinstance(defaults[parameter], int)
        if not isfinite(value) or (whole and (value != int(value) or value < 1)):
            wanted = "a whole number of 1 or more" if whole else "a finite number"
            raise SettingsError(
                f"indicators: {name} does not accept {parameter}: {value}; it has to be {wanted}"
            )
        found[parameter] = int(value) if whole else value
    return found


def named(name: str, given: Mapping[str, int | float]) -> str:
    """Return the name of a feature: that of its indicator, then the parameters given."""
    return "_".join([name, *(f"{value:g}" for value in given.values())])
