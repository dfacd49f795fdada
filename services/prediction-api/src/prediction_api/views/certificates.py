"""How many of the newest candles are complete, incomplete, or not known to be either."""

from __future__ import annotations

from collections import Counter, defaultdict

from marketstream.messages import Candle
from marketstream.metrics import Metrics

_KEPT = 3_600
_WORDS = {True: "complete", False: "incomplete", None: "unknown"}


class Certificates:
    """Keeps the certificate of the newest closed candles of each market and timeframe."""

    def __init__(self) -> None:
        self._newest: dict[tuple[str, str], dict[int, bool | None]] = defaultdict(dict)

    def saw(self, candle: Candle) -> None:
        """Note a candle, or a revision of one; forming ones are passed over."""
        if candle.state != "closed":
            return
        kept = self._newest[candle.market, candle.timeframe]
        kept[candle.open_time_ms] = candle.complete
        if len(kept) > _KEPT:
            del kept[next(iter(kept))]

    def show(self, metrics: Metrics) -> None:
        """Set the gauges."""
        for (market, timeframe), kept in self._newest.items():
            counts = Counter(kept.values())
            for complete, word in _WORDS.items():
                gauge = metrics.recent_candles.labels(market, timeframe, word)
                gauge.set(counts[complete])
