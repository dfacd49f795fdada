"""The candles service: `python -m candles` folds trades from Kafka into candles."""

from __future__ import annotations

from dataclasses import replace

from candles.aggregation import CandleAggregator
from candles.late import LateTrades
from candles.settings import CandlesSettings
from candles.stage import candles_stage
from marketstream.messages import Candle
from marketstream.runners.kafka.runner import KafkaRunner
from marketstream.service import Service, main
from marketstream.timeframes import finest_first
from marketstream.topics import CANDLES


def run(service: Service) -> None:
    """Fold trades until a signal comes; candles go to their topic and to the store."""
    settings = service.settings(CandlesSettings)
    timeframes = finest_first([*settings.timeframes, *service.plan.candle_timeframes])
    metrics = service.metrics
    late_trades = LateTrades(metrics)
    operators: dict[str, CandleAggregator] = {}

    def make_operator(market: str) -> CandleAggregator:
        operators[market] = CandleAggregator(market, timeframes)
        return operators[market]

    with service.store() as (_, writer):

        def closed(candle: Candle, received_ns: int) -> None:
            del received_ns
            writer.put(candle)
            count = metrics.candles if candle.revision == 0 else metrics.candle_revisions
            count.labels(candle.market, candle.timeframe).inc()
            if candle.revision == 0 and not candle.complete:
                metrics.candles_incomplete.labels(candle.market, candle.timeframe).inc()
            late_trades.count(operators[candle.market])

        stage = replace(candles_stage(timeframes), make_operator=make_operator)
        runner = KafkaRunner(stage, service.kafka, metrics, before_commit=writer.flush)
        runner.tap(CANDLES, closed)
        service.ready()
        runner.run()


if __name__ == "__main__":
    main("candles", __file__, 9102, run)
