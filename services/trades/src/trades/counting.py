"""What a feed counts for itself, as counters that only ever grow."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import Counter

from marketstream.metrics import Metrics
from trades.intake import Counts
from trades.session.market import MarketSession


class Counting:
    """Brings the counters of one exchange and its markets up to date."""

    def __init__(
        self, metrics: Metrics, exchange: str, sessions: Mapping[str, MarketSession]
    ) -> None:
        self._ignored = metrics.ignored_frames.labels(exchange)
        self._reconnects = metrics.reconnects.labels(exchange)
        self._gaps = {metrics.gaps.labels(market): one for market, one in sessions.items()}
        self._books = {metrics.books_broken.labels(market): one for market, one in sessions.items()}
        self._counted: dict[Counter, int] = {}

    def count(self, counts: Counts) -> None:
        """Add what is new since the last time."""
        now = {
            self._ignored: counts.ignored,
            self._reconnects: counts.reconnects,
            **{counter: session.gaps for counter, session in self._gaps.items()},
            **{
                counter: one.depth.broken if one.depth else 0
                for counter, one in self._books.items()
            },
        }
        for counter, value in now.items():
            counter.inc(value - self._counted.get(counter, 0))
        self._counted = now
