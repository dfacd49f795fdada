"""Nine indicators of closes as talipp computes them, with the entries that are the same of TA-Lib.

It is installed by `uv sync --group peers`; hence it is imported by name, and only where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from realtime_bench.timing import each_us

_SAME: tuple[tuple[str, dict[str, int | float], str, tuple[int, ...], tuple[str, ...]], ...] = (
    ("RSI", {"timeperiod": 14}, "RSI", (14,), ()),
    ("MACD", {}, "MACD", (12, 26, 9), ("macd", "signal", "histogram")),
    ("BBANDS", {}, "BB", (20, 2), ("ub", "cb", "lb")),
    ("EMA", {"timeperiod": 20}, "EMA", (20,), ()),
    ("EMA", {"timeperiod": 50}, "EMA", (50,), ()),
    ("SMA", {"timeperiod": 20}, "SMA", (20,), ()),
    ("SMA", {"timeperiod": 50}, "SMA", (50,), ()),
    ("WMA", {"timeperiod": 20}, "WMA", (20,), ()),
    ("ROC", {"timeperiod": 10}, "ROC", (10,), ()),
)

ENTRIES: tuple[dict[str, dict[str, int | float]], ...] = tuple(
    {name: parameters} for name, parameters, *_ in _SAME
)
"""The same as entries of our configuration."""


def talipp_version() -> str | None:
    """Return what is installed of talipp, or None."""
    try:
        return version("talipp")
    except PackageNotFoundError:
        return None


def talipp_us(closes: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return the microseconds of each close, and the values as of the last in our order."""
    library: Any = import_module("talipp.indicators")
    made = [getattr(library, name)(*arguments) for _, _, name, arguments, _ in _SAME]

    def add(close: float) -> None:
        for each in made:
            each.add(close)

    took_us = each_us(add, closes)
    values: list[float] = []
    for each, (*_, fields) in zip(made, _SAME, strict=True):
        values += [getattr(each[-1], field) for field in fields] if fields else [each[-1]]
    return took_us, values
