"""A start reads as much of the past as a first training needs, or says until when it takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from loguru import logger

from marketstream.plan import Plan
from realtime_training.commands.run.history import (
    history_to_read,
    needed_history,
    say_when_trained,
)
from realtime_training.settings import Settings, load_all

_HOUR_MS = 3_600_000
_NOON_MS = 1_723_118_400_000  # 2024-08-08 12:00 UTC


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load_all()


@pytest.fixture
def said() -> Iterator[list[dict[str, Any]]]:
    lines: list[dict[str, Any]] = []
    number = logger.add(lambda line: lines.append(line.record["extra"]))
    yield lines
    logger.remove(number)


def plan(timeframe: str, *horizons: int) -> Plan:
    return Plan(("binance:BTC/USDT",), timeframe, horizons)


def test_of_short_timeframes_the_configured_time_is_enough(settings: Settings) -> None:
    assert needed_history(plan("1s", 1, 10), settings) == 120_000
    assert history_to_read(plan("1s", 1, 10), settings) == _HOUR_MS


def test_of_long_timeframes_as_many_closes_are_needed_as_a_training_has_rows(
    settings: Settings,
) -> None:
    closes = 30 + 10 + 10 + 2  # that moved, without a label yet, left out, at both ends
    assert needed_history(plan("5m", 1, 10), settings) == closes * 300_000
    assert history_to_read(plan("5m", 1, 10), settings) == closes * 300_000


def test_no_more_than_six_hours_are_read_and_none_where_none_are_wanted(
    settings: Settings,
) -> None:
    assert history_to_read(plan("1h", 1), settings) == 6 * _HOUR_MS
    trades = settings.trades.model_copy(update={"history_minutes": 0})
    assert history_to_read(plan("5m", 1), replace(settings, trades=trades)) == 0


def test_what_is_missing_and_until_when_is_said_once(
    settings: Settings, said: list[dict[str, Any]]
) -> None:
    say_when_trained(plan("1h", 1), settings, 6 * _HOUR_MS, _NOON_MS)
    say_when_trained(plan("1s", 1), settings, _HOUR_MS, _NOON_MS)
    assert said == [
        {
            "candles_needed": 43,
            "timeframe": "1h",
            "candles_of_the_past": 6,
            "at_the_earliest": "2024-08-10T01:00+00:00",
        }
    ]
