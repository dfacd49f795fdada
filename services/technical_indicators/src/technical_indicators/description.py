"""What an indicator that can be configured is, for people: meaning, parameters, candles, source."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import getdoc, getfile
from pathlib import Path

from technical_indicators.accepted import talib_bounds
from technical_indicators.base_indicator import BaseIndicator
from technical_indicators.base_stream import BaseStream
from technical_indicators.catalogue import configurable, indicator
from technical_indicators.leader_indicator import LeaderIndicator
from technical_indicators.own_indicator import OwnIndicator
from technical_indicators.settling import candles_to_settle
from technical_indicators.talib_indicator import TalibIndicator, about
from technical_indicators.talib_library import talib

OWN = "Own"
_PAGE = "https://ta-lib.org/functions/"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter; `least` and `most` are None where there is no bound, `kinds` name its values."""

    name: str
    default: int | float
    least: int | float | None
    most: int | float | None
    kinds: dict[int, str]


@dataclass(frozen=True, slots=True)
class Description:
    """An indicator with its defaults.

    `outputs` are the features that it makes. The first value comes with the candle numbered
    `candles`; `kept` is how many are looked back on after a restart for the value to be the same
    to 1e-9. `of_base` says that these are candles of the finest timeframe, here taken to be 250ms.
    """

    name: str
    family: str
    meaning: str
    inputs: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    outputs: tuple[str, ...]
    candles: int
    source: str
    of_base: bool = False

    @property
    def kept(self) -> int:
        """Measure how many candles are looked back on after a restart."""
        found = indicator(self.name)
        if isinstance(found, BaseIndicator):
            return BaseStream([found], 0).window
        if isinstance(found, LeaderIndicator):
            return found.settles
        return candles_to_settle([found])


def describe(name: str) -> Description:
    """Return what an indicator is; SettingsError, with the nearest name, where there is none."""
    found = indicator(name)
    if isinstance(found, TalibIndicator):
        return _of_talib(found)
    return _of_ours(found, name.lower())


def describe_all() -> list[Description]:
    """Return what all indicators are that can be configured, TA-Lib's first."""
    return [describe(name) for name in configurable()]


def _of_talib(found: TalibIndicator) -> Description:
    info = about(found.function).info
    defaults: dict[str, int | float] = info["parameters"]
    return Description(
        name=found.function,
        family=info["group"],
        meaning=info["display_name"],
        inputs=tuple(found.inputs),
        parameters=tuple(_parameter(found, name, value) for name, value in defaults.items()),
        outputs=found.names,
        candles=found.lookback + 1,
        source=f"TA-Lib {_version()}, TA_{found.function}: {_PAGE}",
    )


def _parameter(found: TalibIndicator, name: str, default: float) -> Parameter:
    least, most = talib_bounds(found.function, len(found.inputs), name, default)
    kinds = {}
    if name.endswith("matype") and least is not None and most is not None:
        averages = talib.MA_Type
        kinds = {kind: averages[kind] for kind in range(int(least), int(most) + 1)}
    return Parameter(name, default, least, most, kinds)


def _of_ours(found: BaseIndicator | LeaderIndicator | OwnIndicator, name: str) -> Description:
    meaning, _, rest = (getdoc(found.module) or "").partition("\n")
    of_base = isinstance(found, BaseIndicator | LeaderIndicator)
    family = OWN.lower() if isinstance(found, OwnIndicator) else found.family
    file = f"{family}/{Path(getfile(found.module)).name}"
    return Description(
        name=name,
        family=family.capitalize(),
        meaning=meaning.strip().removesuffix("."),
        inputs=found.definition.inputs,
        parameters=tuple(
            Parameter(each, default, 1 if isinstance(default, int) else None, None, {})
            for each, default in found.definition.parameters.items()
        ),
        outputs=found.names,
        candles=found.lookback + 1,
        source=" ".join([f"{file}:", *rest.split()]) if rest.strip() else file,
        of_base=of_base,
    )


def _version() -> str:
    return str(talib.__ta_version__.decode().split()[0])
