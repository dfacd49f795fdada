"""A simulated exchange that goes on, and a `realtime run` on it: killed, and started again."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from marketstream.testing import RunningCommand, free_port, running_command

SYMBOLS = ("BTC/USDT", "ETH/USDT")
_PATIENCE_S = 120.0


@dataclass
class World:
    """One state folder, and all that was said on stderr by whoever used it."""

    folder: Path
    urls: dict[str, str]
    said: list[str] = field(default_factory=list)

    def start(self, *, lived_s: float, fresh: bool) -> float | None:
        """Start, live, and be killed; return the seconds to fresh predictions of all markets.

        It lives for so long after those where they are waited for, else after its start.
        """
        with self._running() as live:
            took = _fresh_after(live) if fresh else None
            time.sleep(lived_s)
            live.kill()
        return took

    def start_and_stop(self, lived_s: float) -> int:
        """Start, live, and be ended with Ctrl-C; return the exit code."""
        with self._running() as live:
            time.sleep(lived_s)
            return live.stop()[0]

    @contextmanager
    def _running(self) -> Iterator[RunningCommand]:
        symbols = [part for symbol in SYMBOLS for part in ("--symbol", symbol)]
        with running_command(self.folder, "--exchange", "binance", *symbols, **self.urls) as live:
            try:
                yield live
            finally:
                if live.process.poll() is None:
                    live.kill()
                self.said += live.log.read_text().splitlines()


@contextmanager
def exchange_and_folder(folder: Path) -> Iterator[World]:
    """Give a world whose exchange is a process of its own, as an exchange is."""
    port = free_port()
    command = [sys.executable, "-m", "realtime_training", "simulate", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as simulator:
        urls = {
            "EXCHANGE_WS_URL": f"ws://127.0.0.1:{port}/ws",
            "EXCHANGE_REST_URL": f"http://127.0.0.1:{port}",
        }
        try:
            yield World(folder, urls)
        finally:
            simulator.kill()


def kill_at_random(world: World, starts: int, seed: int, *, earliest_s: float) -> list[float]:
    """Kill so many times after fresh predictions, and up to twice before each of the starts.

    Returns the seconds from each start to fresh predictions.
    """
    chance = random.Random(seed)
    took = []
    for _ in range(starts):
        for _ in range(chance.choice((0, 1, 1, 2))):
            world.start(lived_s=chance.uniform(earliest_s, 9.0), fresh=False)
        fresh_s = world.start(lived_s=chance.uniform(0, 6), fresh=True)
        assert fresh_s is not None
        took.append(fresh_s)
    return took


def _fresh_after(live: RunningCommand) -> float:
    begun, since_ms = time.monotonic(), time.time_ns() // 1_000_000
    live.wait_for("fresh predictions", lambda: _is_fresh(live, since_ms), _PATIENCE_S)
    return time.monotonic() - begun


def _is_fresh(live: RunningCommand, since_ms: int) -> bool:
    for symbol in SYMBOLS:
        status, answer = live.get(f"/predictions/{symbol.replace('/', '-')}")
        if status != 200 or answer["stale"] or answer["as_of_ms"] < since_ms:
            return False
    return True
