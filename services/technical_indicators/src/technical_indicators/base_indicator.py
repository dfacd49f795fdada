"""An indicator of base candles by its name and parameters: one of a family."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import numpy as np

from marketstream.columns import Floats
from marketstream.timeframes import timeframe_ms
from technical_indicators import book, derivatives, flow
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_definition import BaseDefinition, Form, Recursive, Windowed
from technical_indicators.defined import definition_of, digest_of, files_of, form_of
from technical_indicators.given import checked, named
from technical_indicators.port import OF_BASE

_FAMILIES = {"book": book, "flow": flow, "derivatives": derivatives}


def base_names() -> Mapping[str, str]:
    """Return the family of each of the modules of the families: each is an indicator."""
    return {name: family for family, package in _FAMILIES.items() for name in files_of(package)}


class BaseIndicator:
    """One indicator of the candles of `base`, with its parameters.

    Its feature is named after its file and the parameters that were given: `book_imbalance_5`. Its
    digest is that of the file, so that another formula is another feature set. SettingsError names
    a parameter that makes no sense; TooShortError is raised of a span shorter than a candle.
    """

    def __init__(self, name: str, parameters: Mapping[str, int | float] | None, base: str) -> None:
        self.family = base_names()[name]
        module = import_module(f"{_FAMILIES[self.family].__name__}.{name}")
        self.definition = definition = definition_of(
            f"{self.family}/{name}.py", module, BaseDefinition, OF_BASE
        )
        given = checked(name, parameters or {}, definition.parameters)
        self.form: Form = form_of(name, definition, given, timeframe_ms(base) / 1_000)
        self.names: tuple[str, ...] = (named(name, given),)
        self.lookback = self.form.rows - 1
        self.settles = self.form.settles if isinstance(self.form, Recursive) else self.form.rows
        self.module = module
        self.digest = digest_of(module)

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
