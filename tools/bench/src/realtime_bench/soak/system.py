"""`realtime run` behind a faulty line: killed and started again, asked and measured."""

from __future__ import annotations

import contextlib
import time
from contextlib import ExitStack
from pathlib import Path

from marketstream.testing import RunningCommand, running_command
from realtime_bench.soak.line import FaultyLine

_POLL_S = 0.1


class SystemUnderTest:
    """A `realtime run` whose state outlives it; `close` it in the end."""

    def __init__(self, folder: Path, line: FaultyLine, symbols: tuple[str, ...]) -> None:
        self.folder = folder
        self.symbols = symbols
        self.tracebacks = 0
        self._line = line
        self._stack = ExitStack()
        self._running: RunningCommand | None = None

    @property
    def database(self) -> str:
        """The URL of what it stores."""
        return f"sqlite:///{self.folder / 'state' / 'realtime.sqlite'}"

    def start(self) -> None:
        """Start it, with what it stored before."""
        urls = {"EXCHANGE_WS_URL": self._line.ws_url, "EXCHANGE_REST_URL": self._line.rest_url}
        symbols = [part for symbol in self.symbols for part in ("--symbol", symbol)]
        self._running = self._stack.enter_context(
            running_command(self.folder, "--exchange", "binance", *symbols, **urls)
        )

    def kill(self) -> None:
        """End it without any warning."""
        if self._running is not None:
            self._running.kill()
            self._count_tracebacks()

    def close(self) -> int:
        """Press Ctrl-C; return the exit code."""
        if self._running is None:
            return 0
        code = self._running.stop()[0]
        self._count_tracebacks()
        return code

    @property
    def ended(self) -> bool:
        """Whether it has ended by itself."""
        return self._running is None or self._running.process.poll() is not None

    def memory_mb(self) -> float:
        """Return the memory its process holds, in MB; 0 where it does not run."""
        if self._running is None:
            return 0.0
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{self._running.process.pid}/status").read_text()
            for row in status.splitlines():
                if row.startswith("VmRSS:"):
                    return int(row.split()[1]) / 1_024
        return 0.0

    def fresh_within(self, seconds: float) -> float | None:
        """Wait for predictions of all markets made after now; return the seconds it took."""
        started, asked_ms = time.monotonic(), self._line.exchange.market_time_us // 1_000
        while time.monotonic() - started < seconds and not self.ended:
            if all(self._fresh(symbol, asked_ms) for symbol in self.symbols):
                return time.monotonic() - started
            time.sleep(_POLL_S)
        return None

    def _fresh(self, symbol: str, since_ms: int) -> bool:
        assert self._running is not None
        try:
            status, answer = self._running.get(f"/predictions/{symbol.replace('/', '-')}")
        except OSError:
            return False  # it does not listen yet
        return bool(status == 200 and not answer["stale"] and answer["as_of_ms"] >= since_ms)

    def _count_tracebacks(self) -> None:
        log = self.folder / "log"
        text = log.read_text()
        self.tracebacks += text.count("Traceback")
        with (self.folder / "log.all").open("a") as everything:
            everything.write(text)
