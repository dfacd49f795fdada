"""What candles said when they were first heard, so that it is known which have changed since."""

from __future__ import annotations

import threading
from collections.abc import Container, Sequence

from msgspec.structs import replace

from marketstream.messages import Candle

_CHANGED = 0  # no candle's print


class HeardCandles:
    """The newest `kept` closed candles of each series, as they were first said.

    It hears those of some `timeframes`, of the thread that makes features, and is asked by another.
    """

    def __init__(self, timeframes: Container[str], kept: int) -> None:
        self._timeframes = timeframes
        self._kept = kept
        self._lock = threading.Lock()
        self._first: dict[tuple[str, str], dict[int, int]] = {}
        self._newest_ms: dict[tuple[str, str], int] = {}

    def hear(self, candle: Candle, received_ns: int = 0) -> None:
        """Note a candle that closed, and whether a revision ever said something else.

        One that is heard first as a revision is not noted: what it said before nobody knows.
        """
        del received_ns
        if candle.state != "closed" or candle.timeframe not in self._timeframes:
            return
        name, at_ms, said = (
            (candle.market, candle.timeframe),
            candle.open_time_ms,
            _print_of(candle),
        )
        with self._lock:
            self._newest_ms[name] = max(candle.close_time_ms, self._newest_ms.get(name, 0))
            series = self._first.setdefault(name, {})
            if at_ms in series:
                if series[at_ms] != said:
                    series[at_ms] = _CHANGED
            elif candle.revision == 0:
                series[at_ms] = said
                if len(series) > self._kept:
                    del series[next(iter(series))]

    def newest_ms(self, market: str, timeframe: str) -> int | None:
        """Return when the newest candle of a series closed, None where none was heard."""
        return self._newest_ms.get((market, timeframe))

    def changed(self, candles: Sequence[Candle]) -> list[Candle]:
        """Return those candles of one series that say something else than they first did.

        So does one that a revision changed and another changed back. Of one that was not heard it
        is so where it was ever revised.
        """
        if not candles:
            return []
        with self._lock:
            series = self._first.get((candles[0].market, candles[0].timeframe), {})
            first = [series.get(candle.open_time_ms) for candle in candles]
        return [
            candle
            for candle, said in zip(candles, first, strict=True)
            if (candle.revision > 0 if said is None else said != _print_of(candle))
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
