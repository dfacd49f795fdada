"""`realtime run` on a faulty exchange: killed and started again, asked and measured."""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from marketstream.testing import RunningCommand, running_command
from realtime_bench.soak.exchange import FaultyExchange
from realtime_bench.soak.skewed import OFF

_POLL_S = 0.02
_HISTORY_MINUTES = 4  # a first training needs more than two
_HORIZON = "2"  # one is enough to see whether predictions are fresh, and is soon trained
_CONNECTED = '"Connected"'


class SystemUnderTest:
    """A `realtime run` whose state outlives it; `close` it in the end.

    `lives` counts its starts, and `deaths` the ends that nobody brought about.
    """

    def __init__(self, folder: Path, exchange: FaultyExchange) -> None:
        self.folder = folder
        self.symbols = exchange.symbols
        self.tracebacks = self.lives = self.deaths = 0
        self._exchange = exchange
        self._stack = ExitStack()
        self._running: RunningCommand | None = None
        self._lock = threading.RLock()

    @property
    def database(self) -> str:
        """The URL of what it stores."""
        return f"sqlite:///{self.folder / 'state' / 'realtime.sqlite'}"

    def start(self, clock_off_s: float = 0.0) -> None:
        """Start it, with what it stored before, and with a clock that is so far ahead."""
        environment = {
            "EXCHANGE_WS_URL": self._exchange.ws_url,
            "EXCHANGE_REST_URL": self._exchange.rest_url,
            "HISTORY_MINUTES": str(_HISTORY_MINUTES),
            OFF: str(clock_off_s),
        }
        asked = ["--exchange", self._exchange.venue, "--horizon", _HORIZON]
        asked += [part for symbol in self.symbols for part in ("--symbol", symbol)]
        module = "realtime_bench.soak.skewed" if clock_off_s else "realtime_training"
        with self._lock:
            self._running = self._stack.enter_context(
                running_command(self.folder, *asked, module=module, **environment)
            )
            self.lives += 1

    def kill(self) -> None:
        """End it without any warning."""
        with self._lock:
            if self._running is not None:
                self._running.kill()
                self._keep_log()
                self._running = None

    def close(self) -> int:
        """Press Ctrl-C; return the exit code."""
        with self._lock:
            if self._running is None:
                return 0
            code = self._running.stop()[0]
            self._keep_log()
            self._running = None
            return code

    def revive(self) -> None:
        """Start it again where it has ended by itself, and count that."""
        with self._lock:
            if self._running is not None and self._running.process.poll() is not None:
                self.deaths += 1
                self.kill()
                self.start()

    @property
    def connections(self) -> int:
        """How often it has connected in this life."""
        return (self.folder / "log").read_text().count(_CONNECTED)

    def wait_for_connection(self, after: int, seconds: float) -> bool:
        """Wait until it has connected more often than `after` times; say if it did."""
        due_s = time.monotonic() + seconds
        while self.connections <= after:
            if time.monotonic() > due_s:
                return False
            time.sleep(_POLL_S)
        return True

    def memory_mb(self) -> float | None:
        """Return the memory its process holds, in MB; None where it does not run."""
        running = self._running
        if running is None:
            return None
        with contextlib.suppress(OSError):
            for row in Path(f"/proc/{running.process.pid}/status").read_text().splitlines():
                if row.startswith("VmRSS:"):
                    return int(row.split()[1]) / 1_024
        return None

    def decided_ms(self, symbol: str) -> int | None:
        """Return up to when the oldest of a market's newest predictions knew it; None: stale."""
        running = self._running
        if running is None:
            return None
        try:
            status, answer = running.get(f"/predictions/{symbol.replace('/', '-')}")
        except (OSError, http.client.HTTPException):
            return None  # it does not listen, yet or any more
        if status != 200 or answer["stale"] or answer["stalled"]:
            return None
        return min(
            (one["for_ms"] - one["horizon_ms"] for one in answer["predictions"]), default=None
        )

    def _keep_log(self) -> None:
        text = (self.folder / "log").read_text()
        self.tracebacks += text.count("Traceback")
        with (self.folder / "log.all").open("a") as everything:
            everything.write(text)
