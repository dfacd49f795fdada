"""Candles of other timeframes that nobody makes are told of once, and what comes is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from loguru import logger
from msgspec.structs import replace

from marketstream.fakes import FakePorts
from marketstream.messages import Candle
from marketstream.plan import Plan
from technical_indicators.build import build
from technical_indicators.feature_set import FeatureSettings

from .test_revisions import in_order, made_up_candles

MARKETS = ("binance:BTC/USDT", "binance:ETH/USDT")
PLAN = Plan(MARKETS, "1s", (1,), ("250ms", "1s"))
SETTINGS = FeatureSettings(indicators=["ROC"], beside={"5s": ["ROC"], "250ms": ["ROC"]})
FINE = made_up_candles("250ms", 250, 240)  # a minute
LONG = made_up_candles("5s", 5_000, 12)


@pytest.fixture
def said() -> Iterator[list[str]]:
    lines: list[str] = []
    sink = logger.add(lines.append, format="{level} {message} {extra}")
    yield lines
    logger.remove(sink)


def hear(folder: Path, *series: Sequence[Candle], every_s: float = 15.0) -> None:
    ports = FakePorts(folder)
    build(PLAN, SETTINGS.model_copy(update={"shadow_every_s": every_s}), ports)
    for candle in in_order(*series):
        for market in MARKETS:
            ports.pass_on(replace(candle, market=market))


@pytest.mark.parametrize("every_s", [0.0, 15.0])
def test_candles_that_nobody_makes_are_told_of_once_with_the_remedy(
    every_s: float, said: list[str], tmp_path: Path
) -> None:
    hear(tmp_path, FINE, every_s=every_s)
    [line] = [line for line in said if "do not come" in line]
    assert line.startswith("WARNING")
    assert "put 5s among `timeframes` in services/candles/config.yaml" in line


@pytest.mark.parametrize("began", [0, 7])
def test_candles_that_come_are_not(began: int, said: list[str], tmp_path: Path) -> None:
    """Also where what is heard first is in the midst of one."""
    hear(tmp_path, FINE[began:], LONG)
    assert [line for line in said if "come" in line] == []


def test_candles_that_end_and_begin_again_are_told_of_each_time(
    said: list[str], tmp_path: Path
) -> None:
    hear(tmp_path, FINE, [*LONG[:3], *LONG[6:9]])
    told = ["again" in line for line in said if "come" in line]
    assert told == [False, True, False]
