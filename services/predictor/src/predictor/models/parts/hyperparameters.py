"""What can be set of a learner: a default, the values that make sense, and those to try."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

from marketstream.errors import SettingsError

TINY = 1e-9  # the least where a parameter has to be above zero


class Hyperparameter(NamedTuple):
    """A default, whole where the parameter is, and the bounds of what is accepted."""

    default: int | float
    least: float = 0.0
    most: float = inf


class Range(NamedTuple):
    """The values of a hyperparameter that a search tries; `log` where factors count, not steps."""

    low: int | float
    high: int | float
    log: bool = False


# What boosted trees have in common.
ROUNDS = Hyperparameter(60, 1)
DEPTH = Hyperparameter(4, -1)  # 0 and -1 are no limit
RATE = Hyperparameter(0.05, TINY, 1)
SHARE = Hyperparameter(0.7, TINY, 1)
ROUNDS_TRIED = Range(20, 200, log=True)
RATES_TRIED = Range(0.01, 0.2, log=True)
SHARES_TRIED = Range(0.4, 1.0)
DEPTHS_TRIED = Range(2, 6)
LEAVES_TRIED = Range(10, 300, log=True)
PENALTIES_TRIED = Range(0.1, 100.0, log=True)


def checked(
    learner: str, known: Mapping[str, Hyperparameter], given: Mapping[str, float]
) -> dict[str, int | float]:
    """Return a learner's hyperparameters, those given over the defaults; whole ones are ints.

    Raises SettingsError naming a hyperparameter that is not known, or has no sense at its value.
    """
    for name, value in given.items():
        if name not in known:
            raise SettingsError(
                f"{name} is no hyperparameter of {learner}; known are {', '.join(known)}"
            )
        default, least, most = known[name]
        whole = isinstance(default, int)
        if not least <= value <= most or (whole and value != int(value)):
            number = "a whole number" if whole else "a number"
            above = "above 0" if least == TINY else f"from {least:g}"
            to = "" if most == inf else f" to {most:g}"
            raise SettingsError(f"{name} = {value} of {learner}: has to be {number} {above}{to}")
    merged = {name: parameter.default for name, parameter in known.items()} | dict(given)
    return {
        name: int(value) if isinstance(known[name].default, int) else float(value)
        for name, value in merged.items()
    }
