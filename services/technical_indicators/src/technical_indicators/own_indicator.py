"""An indicator of one's own by its name and parameters: a definition of `own/` at work."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import deepcopy
from importlib import import_module
from math import isfinite
from types import ModuleType

import numpy as np

from marketstream.columns import Floats
from marketstream.errors import SettingsError
from marketstream.messages import Candle
from technical_indicators import own
from technical_indicators.defined import definition_of, digest_of, files_of
from technical_indicators.definition import Definition, StreamingForm
from technical_indicators.given import checked, named
from technical_indicators.port import COLUMNS
from technical_indicators.talib_library import talib


def own_names() -> tuple[str, ...]:
    """Return the names of the modules of `own`: each is an indicator."""
    return tuple(files_of(own))


class OwnIndicator:
    """One indicator of one's own with its parameters.

    Its feature is named after its file and the parameters that were given: `parkinson_30`. Its
    digest is that of the file, so that another formula is another feature set.
    """

    def __init__(self, name: str, parameters: Mapping[str, int | float] | None = None) -> None:
        self.module = module = _module(name)
        self.definition = definition_of(f"own/{name}.py", module, Definition, COLUMNS)
        given = checked(name, parameters or {}, self.definition.parameters)
        self.parameters = {**self.definition.parameters, **given}
        try:
            self.definition.streaming(**self.parameters)
        except ValueError as error:
            raise SettingsError(f"indicators: {name} does not accept {given}: {error}") from error
        self.names: tuple[str, ...] = (named(name, given),)
        self.lookback = self.definition.candles(**self.parameters) - 1
        self.digest = digest_of(module)

    def batch(self, columns: Mapping[str, Floats]) -> list[Floats]:
        """Return its series over whole columns of candles."""
        with np.errstate(all="ignore"):
            series = self.definition.columnar(
                *(columns[name] for name in self.definition.inputs), **self.parameters
            )
        known = np.where(np.isfinite(series), series, np.nan)
        known[: self.lookback] = np.nan
        return [known]

    def stream(self) -> OwnStream:
        """Return a live side that has seen no candle yet."""
        return OwnStream(self)


class OwnStream:
    """The live side of one indicator."""

    __slots__ = ("_form", "_indicator", "_seen")

    def __init__(self, indicator: OwnIndicator) -> None:
        self._indicator = indicator
        self._form = self._begin()
        self._seen = 0

    def update(self, candle: Candle) -> list[float | None]:
        """Fold a closed candle; return the value, None while warming up."""
        self._seen += 1
        return self._fold(self._form, candle, self._seen)

    def open_on(self, candles: Collection[Candle]) -> None:
        """Begin anew after these candles."""
        self._form = self._begin()
        self._seen = 0
        for candle in candles:
            self.update(candle)

    def peek(self, candle: Candle) -> list[float | None]:
        """Return what `update` would say of a candle that is still forming, without folding it."""
        return self._fold(deepcopy(self._form), candle, self._seen + 1)

    def _begin(self) -> StreamingForm:
        return self._indicator.definition.streaming(**self._indicator.parameters)

    def _fold(self, form: StreamingForm, candle: Candle, seen: int) -> list[float | None]:
        inputs = (np.float64(getattr(candle, name)) for name in self._indicator.definition.inputs)
        with np.errstate(all="ignore"):
            value = form.update(*inputs)
        if value is None or not isfinite(value) or seen <= self._indicator.lookback:
            return [None]
        return [float(value)]


def _module(name: str) -> ModuleType:
    if name.upper() in talib.get_functions():
        raise SettingsError(
            f"indicators: own/{name}.py has the name of a TA-Lib function: rename the file"
        )
    return import_module(f"{own.__name__}.{name}")
