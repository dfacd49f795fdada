"""A whole `realtime run` keeps the book with its candles, as deep as it was asked to."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from marketstream.errors import SettingsError
from marketstream.settings import load_settings
from marketstream.store.sql import open_store
from marketstream.testing import RunningCommand, running_command
from realtime_training.commands.types import LEVELS
from trades.settings import TradesSettings

SYMBOL = "BTC/USD"
MARKET = f"kraken:{SYMBOL}"
TIMEFRAMES = ("250ms", "1s")
ENOUGH = 3
PATIENCE_S = 60


@contextmanager
def simulated_kraken() -> Iterator[dict[str, str]]:
    """Run `realtime simulate`; yield the variables that say where it is."""
    command = [
        sys.executable, "-m", "realtime_training", "simulate", "--venue", "kraken",
        "--symbol", SYMBOL, "--port", "0", "--json",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = json.loads(process.stdout.readline())
            yield {"EXCHANGE_WS_URL": said["ws_url"], "EXCHANGE_REST_URL": said["rest_url"]}
        finally:
            process.terminate()


def book(live: RunningCommand) -> str | None:
    said: str | None = live.get("/health")[1]["markets"][MARKET].get("book")
    return said


def deep(folder: Path, timeframe: str) -> list[tuple[int, int]]:
    """Return how many bids and asks stand in the stored candles that have a book."""
    store = open_store(f"sqlite:///{folder / 'state' / 'realtime.sqlite'}")
    try:
        depths = [candle.depth for candle in store.candles(MARKET, timeframe, 0, 2**62)]
    finally:
        store.close()
    return [(len(depth.bids), len(depth.asks)) for depth in depths if depth is not None]


@pytest.mark.parametrize(
    ("options", "variables", "levels"),
    [
        (["--levels", "4"], {"BOOK_LEVELS": "2"}, 4),
        ([], {"BOOK_LEVELS": "3"}, 3),
    ],
)
def test_stored_candles_have_as_many_levels_as_were_asked_for(
    options: list[str], variables: dict[str, str], levels: int, tmp_path: Path
) -> None:
    asked = ["--exchange", "kraken", "--symbol", SYMBOL, *options]
    with simulated_kraken() as where:
        variables = {"HISTORY_MINUTES": "0", **where, **variables}
        with running_command(tmp_path, *asked, **variables) as live:
            live.wait_for("a whole book", lambda: book(live) == "whole", PATIENCE_S)
            live.wait_for(
                "candles with a book",
                lambda: all(len(deep(tmp_path, each)) >= ENOUGH for each in TIMEFRAMES),
                PATIENCE_S,
            )
            assert live.stop()[0] == 0
    for timeframe in TIMEFRAMES:
        assert set(deep(tmp_path, timeframe)) == {(levels, levels)}


def test_the_option_takes_what_the_setting_takes() -> None:
    for levels in (LEVELS.min, LEVELS.max):
        settings = load_settings(TradesSettings, None, {"BOOK_LEVELS": str(levels)}, None)
        assert settings.levels == levels
    with pytest.raises(SettingsError, match="BOOK_LEVELS"):
        load_settings(TradesSettings, None, {"BOOK_LEVELS": "11"}, None)
