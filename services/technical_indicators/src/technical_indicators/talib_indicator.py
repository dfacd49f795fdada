"""Any TA-Lib indicator by its name and parameters, streamed and in batch, bit for bit the same."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from math import isfinite
from operator import attrgetter
from typing import Any

import numpy as np

from marketstream.columns import Floats
from marketstream.errors import SettingsError
from marketstream.messages import Candle
from marketstream.nearest import did_you_mean
from technical_indicators.accepted import in_words, talib_bounds
from technical_indicators.talib_library import abstract, stream, talib

INPUTS = ("open", "high", "low", "close", "volume")
_PATH_DEPENDENT = "Output is path-dependent"
_POSITIONS = frozenset({"MININDEX", "MAXINDEX", "MINMAXINDEX"})  # count from the series' first row
_SHORT_NAMES = {"BBANDS": "bb"}


class TalibIndicator:
    """One function that TA-Lib has, in upper or lower case, with its parameters.

    Its features are named after the function, the output and the parameters that were given:
    `rsi_14`, `macd`, `macd_signal`, `bb_upper`. Functions whose value depends on where the series
    began (OBV, AD, …) are refused: after a restart they would not be the same number.
    """

    def __init__(self, function: str, parameters: Mapping[str, float] | None = None) -> None:
        self.function = function.upper()
        self.parameters = dict(parameters or {})
        info = about(self.function).info
        unknown = sorted(set(self.parameters) - set(info["parameters"]))
        if unknown:
            raise SettingsError(
                f"indicators: {self.function} has no parameter {unknown[0]!r}: "
                f"{did_you_mean(unknown[0], info['parameters'])}"
                f"it takes {', '.join(info['parameters']) or 'none'}"
            )
        self.parameters = {
            name: _like(info["parameters"][name], value) for name, value in self.parameters.items()
        }
        refused = why_refused(self.function)
        if refused is not None:
            raise SettingsError(f"indicators: {self.function} {refused}")
        self.inputs = _inputs(info["input_names"])
        self.names = _names(self.function, info["output_names"], self.parameters)
        self._batch = getattr(talib, self.function)
        try:
            self._batch(*(np.linspace(1.0, 2.0, 8) for _ in self.inputs), **self.parameters)
            self.lookback: int = about(self.function, **self.parameters).lookback
        except Exception as error:
            raise SettingsError(
                f"indicators: {self.function} does not accept {self.parameters}: "
                f"{self._accepted(info['parameters'])}"
            ) from error
        self.digest = ""

    def _accepted(self, defaults: Mapping[str, int | float]) -> str:
        """Say which values there may be of the parameters that were given."""
        said = []
        for name in self.parameters:
            bounds = talib_bounds(self.function, len(self.inputs), name, defaults[name])
            kind = "whole number" if isinstance(defaults[name], int) else "number"
            said.append(f"{name} has to be a {kind}, {in_words(*bounds)}")
        return "; ".join(said)

    def batch(self, columns: Mapping[str, Floats]) -> list[Floats]:
        """Return one series per name over whole columns of candles."""
        result = self._batch(*(columns[name] for name in self.inputs), **self.parameters)
        outputs = result if isinstance(result, tuple) else (result,)
        return [self._known(np.asarray(output, np.float64)) for output in outputs]

    def _known(self, series: Floats) -> Floats:
        known = np.where(np.isfinite(series), series, np.nan)
        known[: self.lookback] = np.nan  # integer outputs are 0 there, not NaN
        return known

    def stream(self) -> TalibStream:
        """Return a live side that has seen no candle yet."""
        return TalibStream(self)

    def open(self, history: Sequence[Sequence[float]]) -> Any | None:
        """Return a stream handle after `history` (a sequence per input), None where it is short."""
        try:
            return getattr(stream, self.function)(
                *(np.array(column, np.float64) for column in history), **self.parameters
            )
        except talib.InsufficientHistory:
            return None


class TalibStream:
    """The live side of one indicator: O(1) a candle once its handle is open."""

    __slots__ = ("_handle", "_history", "_inputs_of", "indicator")

    def __init__(self, indicator: TalibIndicator) -> None:
        self.indicator = indicator
        self._inputs_of = _reader(indicator.inputs)
        self._history: list[list[float]] = [[] for _ in indicator.inputs]
        self._handle: Any | None = None

    def update(self, candle: Candle) -> list[float | None]:
        """Fold a closed candle; return one value per name, None while warming up."""
        inputs = self._inputs_of(candle)
        if self._handle is not None:
            result = self._handle.update(*inputs)
            if type(result) is float:  # as most say one, and a call takes a third of it
                return [result if isfinite(result) else None]
            return _values(result)
        for column, value in zip(self._history, inputs, strict=True):
            column.append(value)
        self._handle = self.indicator.open(self._history)
        if self._handle is None:
            return [None] * len(self.indicator.names)
        self._history = []
        return _values(self._handle.value)

    def open_on(self, candles: Collection[Candle]) -> None:
        """Begin anew after these candles."""
        history = [[getattr(candle, name) for candle in candles] for name in self.indicator.inputs]
        self._handle = self.indicator.open(history)
        self._history = history if self._handle is None else []

    def peek(self, candle: Candle) -> list[float | None]:
        """Return what `update` would say of a candle that is still forming, without folding it."""
        if self._handle is None:
            return [None] * len(self.indicator.names)
        return _values(self._handle.peek(*self._inputs_of(candle)))


def _like(default: float, value: float) -> int | float:
    """Return a value as TA-Lib takes it, which tells 2 from 2.0; what is not whole stays so."""
    if isinstance(default, int):
        return int(value) if isfinite(value) and value == int(value) else value
    return float(value)


def why_refused(function: str) -> str | None:
    """Say why a function of TA-Lib cannot be configured; None of one that can be."""
    info = about(function).info
    if _PATH_DEPENDENT in info["function_flags"] or function in _POSITIONS:
        return (
            "depends on where the series began, so it cannot be the same live and in training: "
            "use its difference, or leave it out"
        )
    strange = [name for name in _inputs(info["input_names"]) if name not in INPUTS]
    return f"needs a series of {strange[0]}, which candles do not have" if strange else None


def about(function: str, **parameters: float) -> Any:
    """Return what TA-Lib knows of a function with these parameters."""
    return abstract.Function(function, **parameters)  # type: ignore[attr-defined]


def _values(result: Any) -> list[float | None]:
    if isinstance(result, tuple):
        return [float(value) if isfinite(value) else None for value in result]
    return [float(result) if isfinite(result) else None]


def _reader(names: Sequence[str]) -> Callable[[Candle], tuple[float, ...]]:
    """Return what reads these fields of a candle; `attrgetter` of one alone makes no tuple."""
    if len(names) > 1:
        return attrgetter(*names)
    read: Callable[[Candle], float] = attrgetter(names[0])
    return lambda candle: (read(candle),)


def _inputs(input_names: Mapping[str, Any]) -> list[str]:
    inputs: list[str] = []
    for name in input_names.values():
        inputs.extend([name] if isinstance(name, str) else name)
    return inputs


def _names(
    function: str, outputs: Sequence[str], parameters: Mapping[str, float]
) -> tuple[str, ...]:
    prefix = _SHORT_NAMES.get(function, function.lower())
    suffix = [f"{value:g}" for value in parameters.values()]
    names = []
    for output in outputs:
        part = output.removeprefix(prefix).removesuffix("band")
        parts = [prefix] if part in ("", "real", "integer") else [prefix, part]
        names.append("_".join([*parts, *suffix]))
    return tuple(names)
