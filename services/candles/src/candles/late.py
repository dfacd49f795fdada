"""Counts the trades that came after their candle was closed, for the metrics of any run."""

from __future__ import annotations

from candles.aggregation import CandleAggregator
from marketstream.metrics import Metrics


class LateTrades:
    """Brings the counter of late trades up to date with what the operators have seen.

    An operator counts from when it was made: one that another has handed its state to starts from
    nothing, so a trade is not counted again after a restart, nor with each revision it makes.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._counted: dict[str, tuple[CandleAggregator, int]] = {}

    def count(self, operator: CandleAggregator) -> None:
        """Count what an operator has seen since it was last looked at; from one thread."""
        known, before = self._counted.get(operator.market, (operator, 0))
        if known is not operator:  # this market was away, and came back
            before = 0
        late = operator.late
        self._metrics.late_trades.labels(operator.market).inc(late - before)
        self._counted[operator.market] = (operator, late)
