"""What candles said when they were first heard, so that it is known which have changed since."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from msgspec.structs import replace

from marketstream.messages import Candle


class HeardCandles:
    """The newest `kept` closed candles of each series, as they were first said.

    It is told by the thread that makes features, and asked by another.
    """

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._first: dict[tuple[str, str], dict[int, int]] = {}

    def hear(self, candle: Candle, received_ns: int = 0) -> None:
        """Note a candle that closed, and nothing of its revisions."""
        del received_ns
        if candle.state != "closed":
            return
        with self._lock:
            series = self._first.setdefault((candle.market, candle.timeframe), {})
            if candle.open_time_ms not in series:
                series[candle.open_time_ms] = _print_of(candle)
                if len(series) > self._kept:
                    del series[next(iter(series))]

    def changed(self, candles: Sequence[Candle]) -> list[Candle]:
        """Return those candles of one series that say something else than they first did.

        Of one that was not heard that is so where it was ever revised.
        """
        if not candles:
            return []
        with self._lock:
            series = dict(self._first.get((candles[0].market, candles[0].timeframe), {}))
        return [
            candle
            for candle in candles
            if (candle.revision > 0 and candle.open_time_ms not in series)
            or series.get(candle.open_time_ms, 0) not in (0, _print_of(candle))
        ]


def without_certificate(candle: Candle) -> Candle:
    """Return what a candle says of the market, whichever revision says it."""
    return replace(
        candle,
        revision=0,
        complete=None,
        expected_count=None,
        filled=False,
        late_count=0,
    )


def _print_of(candle: Candle) -> int:
    return hash(without_certificate(candle)) or 1
