"""An indicator of base candles by its name and parameters: a definition of `book/` or `flow/`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib import import_module
from inspect import getfile
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

import numpy as np

from marketstream.columns import Floats
from marketstream.errors import SettingsError
from marketstream.nearest import did_you_mean
from marketstream.timeframes import timeframe_ms
from technical_indicators import book, flow
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_definition import BaseDefinition, Recursive, TooShortError, Windowed
from technical_indicators.given import checked, named
from technical_indicators.port import BASE_COLUMNS, COLUMNS

_FAMILIES = {"book": book, "flow": flow}


def base_names() -> Mapping[str, str]:
    """Return the family of each of the modules of `book` and `flow`: each is an indicator."""
    return {
        found.name: family
        for family, package in _FAMILIES.items()
        for found in sorted(iter_modules(package.__path__), key=lambda found: found.name)
    }


class BaseIndicator:
    """One indicator of the candles of `base`, with its parameters.

    Its feature is named after its file and the parameters that were given: `book_imbalance_5`. Its
    digest is that of the file, so that another formula is another feature set. SettingsError names
    a parameter that makes no sense; TooShortError is raised of a span shorter than a candle.
    """

    def __init__(self, name: str, parameters: Mapping[str, int | float] | None, base: str) -> None:
        self.family = base_names()[name]
        module = import_module(f"{_FAMILIES[self.family].__name__}.{name}")
        self.definition = definition = _definition(f"{self.family}/{name}.py", module)
        given = checked(name, parameters or {}, definition.parameters)
        base_s = timeframe_ms(base) / 1_000
        try:
            self.form = definition.form(base_s, **{**definition.parameters, **given})
        except TooShortError:
            raise
        except ValueError as error:
            raise SettingsError(
                f"indicators: {name} does not accept {given or dict(definition.parameters)}: "
                f"{error}"
            ) from error
        self.names: tuple[str, ...] = (named(name, given),)
        self.lookback = self.form.rows - 1
        self.settles = self.form.settles if isinstance(self.form, Recursive) else self.form.rows
        self.module = module
        self.digest = hashlib.sha256(Path(getfile(module)).read_bytes()).hexdigest()

    def batch(self, columns: Mapping[str, Floats]) -> list[Floats]:
        """Return its series over whole columns of base candles; NaN is what is not known."""
        return [self.series(BaseColumns(columns))]

    def series(self, columns: BaseColumns) -> Floats:
        """Return its series."""
        with np.errstate(all="ignore"):
            series = self.form.columnar(columns)
        known = np.isfinite(series)
        if isinstance(self.form, Windowed):
            known &= columns.run >= self.form.rows
        return np.where(known, series, np.nan)


def _definition(file: str, module: ModuleType) -> BaseDefinition:
    definition = getattr(module, "INDICATOR", None)
    if not isinstance(definition, BaseDefinition):
        raise SettingsError(f"indicators: {file} has to give a BaseDefinition named INDICATOR")
    known = (*COLUMNS, *BASE_COLUMNS)
    strange = [column for column in definition.inputs if column not in known]
    if strange:
        raise SettingsError(
            f"indicators: {file} wants {strange[0]!r} of candles: "
            f"{did_you_mean(strange[0], known)}they have {', '.join(known)}"
        )
    return definition
