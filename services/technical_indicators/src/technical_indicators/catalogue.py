"""Which indicators can be configured, and the one that an entry of the configuration names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from marketstream.errors import SettingsError
from marketstream.nearest import did_you_mean
from technical_indicators.base_indicator import BaseIndicator, base_names
from technical_indicators.leader_indicator import LeaderIndicator, leader_names
from technical_indicators.own_indicator import OwnIndicator, own_names
from technical_indicators.talib_indicator import TalibIndicator, why_refused
from technical_indicators.talib_library import talib

LISTED_BASE = "250ms"
"""The base candles that indicators are told for where nobody says which there are."""


def indicator(
    name: str, parameters: Mapping[str, int | float] | None = None, base: str = LISTED_BASE
) -> BaseIndicator | LeaderIndicator | OwnIndicator | TalibIndicator:
    """Return ours of this name, or TA-Lib's, in upper or lower case.

    Those of the book, the flow, perpetuals and the leaders are of the candles of `base`. Raises
    SettingsError where there is none, with the nearest that there is.
    """
    if name.lower() in base_names():
        return BaseIndicator(name.lower(), parameters, base)
    if name.lower() in leader_names():
        return LeaderIndicator(name.lower(), parameters, base)
    if name.lower() in own_names():
        return OwnIndicator(name.lower(), parameters)
    if name.upper() in talib.get_functions():
        return TalibIndicator(name, parameters)
    raise SettingsError(
        f"indicators: TA-Lib has no function {name!r}, nor is there a file for it in "
        "technical_indicators/own, book, flow, derivatives or leaders: "
        f"{did_you_mean(name, configurable())}"
        "realtime indicators lists them all"
    )


def configurable() -> tuple[str, ...]:
    """Return the names of all that can be configured: TA-Lib's, then ours."""
    return (*_talib_names(), *base_names(), *leader_names(), *own_names())


@cache
def _talib_names() -> tuple[str, ...]:
    return tuple(name for name in talib.get_functions() if why_refused(name) is None)
