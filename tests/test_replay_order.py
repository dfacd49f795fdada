"""A recording whose trades come in another order than their ids: each is put in its place."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from marketstream.messages import Candle
from marketstream.topics import CANDLES
from realtime_training.commands.replay.work import Replay
from realtime_training.settings import load_all

SYMBOL = "BNB/USDT"
FIRST_ID, START_MS = 825_368_000, 1_778_079_000_300
MOMENTS, A_MOMENT, EVERY_MS = 400, 8, 300  # eight trades of one millisecond, again and again


def recording(path: Path, *, shuffled: bool) -> Path:
    """Write frames as a client that hands them on concurrently does, or one that does not.

    The first moment is in order: of ids before the first one nobody knows whether they were missed.
    """
    draw = random.Random(1)
    lines: list[str] = []
    for moment in range(MOMENTS):
        time_ms = START_MS + moment * EVERY_MS
        numbers = list(range(FIRST_ID + moment * A_MOMENT, FIRST_ID + (moment + 1) * A_MOMENT))
        if shuffled and moment:
            draw.shuffle(numbers)
        for number in numbers:
            data = {
                "e": "trade", "E": time_ms + 1, "s": "BNBUSDT", "t": number,
                "p": f"{649 + number % 13 / 100:.8f}", "q": "0.10000000", "T": time_ms,
                "m": number % 2 == 1, "M": True,
            }  # fmt: skip
            frame = json.dumps({"stream": "bnbusdt@trade", "data": data})
            lines.append(f"{(time_ms + 4) * 1_000_000 + len(lines)} {frame}\n")
    path.write_text("".join(lines))
    return path


@pytest.fixture
def in_order(tmp_path: Path) -> Path:
    return recording(tmp_path / "in-order.txt", shuffled=False)


@pytest.fixture
def out_of_order(tmp_path: Path) -> Path:
    return recording(tmp_path / "out-of-order.txt", shuffled=True)


def summary(path: Path) -> dict[str, Any]:
    arguments = ["--symbol", SYMBOL, "--timeframe", "1s", "--horizon", "2", "--json"]
    command = [sys.executable, "-m", "realtime_training", "replay", str(path), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def candles(path: Path) -> list[Candle]:
    """Return the last revision of each candle, without what says how it came about."""
    replay = Replay(SYMBOL, "1s", (2,), load_all())
    made: dict[object, Candle] = {}
    replay.pipeline.runner.tap(CANDLES, lambda one, _ns: made.update({one.identity: one}))
    replay.run([path])
    return list(made.values())


def test_replay_counts_no_trade_twice_and_none_as_missing(out_of_order: Path) -> None:
    said = summary(out_of_order)
    assert (said["trades"], said["duplicates"], said["missing"]) == (MOMENTS * A_MOMENT, 0, 0)
    assert said["candles"] == MOMENTS * EVERY_MS // 1_000


def test_the_candles_are_those_of_the_trades_in_order(in_order: Path, out_of_order: Path) -> None:
    fields = ("open_time_ms", "open", "high", "low", "close", "volume", "trade_count", "complete")
    expected, made = (
        [tuple(getattr(one, name) for name in fields) for one in candles(path)]
        for path in (in_order, out_of_order)
    )
    assert made == expected
    assert len(made) > 100
