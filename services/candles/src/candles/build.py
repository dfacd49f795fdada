"""The candles part: Trades in, Candle out, and what is counted of them."""

from __future__ import annotations

from dataclasses import replace

from candles.aggregation import CandleAggregator
from candles.late import LateTrades
from candles.settings import CandlesSettings
from candles.stage import candles_stage
from marketstream.messages import Candle
from marketstream.metrics import Metrics
from marketstream.plan import Plan
from marketstream.ports import Part, Ports
from marketstream.timeframes import finest_first
from marketstream.topics import CANDLES


def build(plan: Plan, settings: CandlesSettings, ports: Ports) -> Part:
    """Return the part that makes candles of the plan's timeframes and of those in the settings.

    With previews the candle decided on is also shown as it forms.
    """
    timeframes = finest_first([*settings.timeframes, *plan.candle_timeframes])
    preview = None if ports.preview_ms is None else (plan.timeframe, ports.preview_ms)
    stage = candles_stage(timeframes, preview=preview)
    counts = _Counts(ports.metrics)

    def make_operator(market: str) -> CandleAggregator:
        operator = CandleAggregator(market, timeframes, preview=preview)
        counts.operators[market] = operator
        return operator

    ports.listen([CANDLES], counts.saw)
    return Part("candles", (replace(stage, make_operator=make_operator),))


class _Counts:
    """Counts candles, those incomplete, revisions, and trades that came late."""

    def __init__(self, metrics: Metrics) -> None:
        self.operators: dict[str, CandleAggregator] = {}
        self._metrics = metrics
        self._late_trades = LateTrades(metrics)

    def saw(self, candle: Candle, received_ns: int) -> None:
        del received_ns
        if candle.state == "forming":
            return
        market, metrics = candle.market, self._metrics
        if candle.revision > 0:
            metrics.candle_revisions.labels(market, candle.timeframe).inc()
        else:
            metrics.candles.labels(market, candle.timeframe).inc()
            if not candle.complete:
                metrics.candles_incomplete.labels(market, candle.timeframe).inc()
        operator = self.operators.get(market)
        if operator is not None:  # else the candle is of a past that was stored
            self._late_trades.count(operator)
