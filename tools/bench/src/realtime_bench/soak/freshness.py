"""How long a market is without a fresh prediction once a fault has ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence

_POLL_S = 0.2

type Span = tuple[float, float]


class Watch:
    """Asks which predictions there are, of the markets of which a newer one is expected.

    `decided_ms` returns up to when the newest prediction of a market knew the market, None without
    one. `samples` holds, by symbol, when it was asked and what came, both in ms.
    """

    def __init__(self, symbols: Sequence[str], decided_ms: Callable[[str], int | None]) -> None:
        self.samples: dict[str, list[tuple[int, int]]] = {symbol: [] for symbol in symbols}
        self._decided_ms = decided_ms
        self._expected_ms = dict.fromkeys(symbols, 0)

    def expect(self, symbols: Iterable[str], since_ms: int) -> None:
        """Look out for predictions that are newer."""
        for symbol in symbols:
            self._expected_ms[symbol] = max(self._expected_ms[symbol], since_ms)

    def are_fresh(self) -> bool:
        """Whether all that was expected has come."""
        return not self._missing()

    def wait(self, symbols: Iterable[str], seconds: float, stop: threading.Event) -> bool:
        """Wait until what is expected of some markets has come; say if it did in time."""
        due_s = time.monotonic() + seconds
        waited = set(symbols)
        while waited & set(self._missing()):
            if time.monotonic() > due_s or stop.wait(_POLL_S):
                return False
        return True

    def run(self, stop: threading.Event) -> None:
        """Ask until told to stop."""
        while not stop.wait(_POLL_S):
            for symbol in self._missing():
                decided_ms = self._decided_ms(symbol)
                if decided_ms is not None:
                    self.samples[symbol].append((time.time_ns() // 1_000_000, decided_ms))

    def _missing(self) -> list[str]:
        return [
            symbol
            for symbol, samples in self.samples.items()
            if self._expected_ms[symbol] > (samples[-1][1] if samples else 0)
        ]


def first_fresh_ms(samples: Sequence[tuple[int, int]], since_ms: int) -> int | None:
    """Return when a prediction of later than `since_ms` was first seen."""
    return next((at_ms for at_ms, decided_ms in samples if decided_ms >= since_ms), None)


def free_ms(from_ms: float, to_ms: float, faults: Iterable[Span]) -> float:
    """Return how much of `[from_ms, to_ms)` no fault lay over."""
    free = 0.0
    for begin_ms, end_ms in sorted(faults):
        if begin_ms >= to_ms:
            break
        free += max(0.0, begin_ms - from_ms)
        from_ms = max(from_ms, end_ms)
    return free + max(0.0, to_ms - from_ms)
