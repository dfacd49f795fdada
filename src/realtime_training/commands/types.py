"""The kinds of values that options take, each checked with a clear line where it makes no sense."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marketstream.errors import SettingsError
from marketstream.symbols import listed_symbol, parse_symbol
from marketstream.timeframes import duration_ms, timeframe_ms

if TYPE_CHECKING:
    from candles.bars import BarRule

_FASTEST = 1_000.0

FILE = click.Path(path_type=Path)
FOLDER = click.Path(path_type=Path, resolve_path=True)


class Speed(click.ParamType[float]):
    """How much faster than life, a number or `max`."""

    name = "speed"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the speed as a number."""
        if value == "max":
            return _FASTEST
        try:
            speed = float(value)
        except ValueError:
            speed = 0.0
        if not 0 < speed <= _FASTEST:
            self.fail(f"{value!r}: give a number above 0, up to {_FASTEST:g}, or max", param, ctx)
        return speed


class Checked(click.ParamType[Any]):
    """Text that a function of ours checks; what it returns is the value."""

    def __init__(self, name: str, check: Any) -> None:
        self.name = name
        self._check = check

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return what the check makes of the text."""
        try:
            return self._check(value)
        except SettingsError as error:
            self.fail(str(error), param, ctx)


def _timeframe(text: str) -> str:
    timeframe_ms(text)
    return text


def _bars(text: str) -> BarRule:
    from candles.bars import parse_bars  # with numpy, which no other command waits for

    return parse_bars(text)


SYMBOL = Checked("symbol", parse_symbol)
LISTED_SYMBOL = Checked("symbol", listed_symbol)
TIMEFRAME = Checked("timeframe", _timeframe)
DURATION = Checked("duration", duration_ms)
BARS = Checked("bars", _bars)
SPEED = Speed()
