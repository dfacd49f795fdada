"""The kinds of values that options take, each checked with a clear line where it makes no sense."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marketstream.errors import SettingsError
from marketstream.symbols import listed_symbol, parse_market, parse_symbol
from marketstream.timeframes import duration_ms, timeframe_ms
from realtime_training.output import WRITTEN

if TYPE_CHECKING:
    from candles.bars import BarRule

_FASTEST = 1_000.0
_LARGEST_SEED = 2**63 - 1
_LONGEST_LATENCY_MS = 60_000
_MOST_LEVELS = 10  # as in the settings of trades, which take long to import

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


class Output(click.Path):
    """A file to write, which has to end in a form that can be written."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not path.name.endswith(WRITTEN):
            self.fail(f"{value!r} has to end in one of {', '.join(WRITTEN)}", param, ctx)
        return path


def _timeframe(text: str) -> str:
    timeframe_ms(text)
    return text


def _interval(text: str) -> int:
    length_ms = duration_ms(text)
    if not length_ms:
        raise SettingsError(f"{text!r}: write 60s, 5m, 1h or another length above 0")
    return length_ms


def _bars(text: str) -> BarRule:
    from candles.bars import parse_bars  # with numpy, which no other command waits for

    return parse_bars(text)


def _group(text: str) -> tuple[str, tuple[str, ...]]:
    name, _, some = text.partition("=")
    markets = tuple(parse_market(market) for market in some.split("+"))
    if not name.strip():
        raise SettingsError(f"{text!r}: write NAME=MARKET+MARKET")
    return name.strip(), markets


MARKET = Checked("market", parse_market)
GROUP = Checked("name=market+market", _group)
SYMBOL = Checked("symbol", parse_symbol)
LISTED_SYMBOL = Checked("symbol", listed_symbol)
TIMEFRAME = Checked("timeframe", _timeframe)
DURATION = Checked("duration", duration_ms)
INTERVAL = Checked("duration", _interval)
HORIZON = click.IntRange(min=1)  # how far it may be depends on the timeframe: the plan says
LEVELS = click.IntRange(0, _MOST_LEVELS)
LATENCY_MS = click.IntRange(0, _LONGEST_LATENCY_MS)
SEED = click.IntRange(0, _LARGEST_SEED)
PORT = click.IntRange(0, 65_535)
OUTPUT = Output(path_type=Path)
BARS = Checked("bars", _bars)
SPEED = Speed()
