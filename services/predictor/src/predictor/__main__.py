"""The predictor service: `python -m predictor` predicts at each close and learns from what came."""

from __future__ import annotations

import time
from collections.abc import Mapping

from marketstream.messages import Outcome, Prediction
from marketstream.metrics import Metrics
from marketstream.recent import Recent
from marketstream.runners.kafka.runner import KafkaRunner
from marketstream.runners.kafka.tail import Published, read_tail
from marketstream.service import Service, main
from marketstream.store.rows import PredictionRow
from marketstream.store.writer import StoreWriter
from marketstream.topics import FEATURES, OUTCOMES, PREDICTIONS
from predictor.settings import PredictorSettings
from predictor.training.learning import Learning
from predictor.training.requests import Registration, registry_uri

_PAST_MS = 3_600_000
_RECENT_MS = 900_000  # more than passes between two checkpoints, with the database away
_LATE = 10_000  # predictions made too late whose outcomes are still to come


def run(service: Service) -> None:
    """Predict until a signal comes; predictions and outcomes go to their topics and the store."""
    uri = registry_uri(service.system, service.process.state)
    metrics, plan = service.metrics, service.plan
    with (
        service.store() as (_, writer),
        Learning(
            plan,
            service.settings(PredictorSettings),
            Registration(uri, plan.timeframe, service.process.state),
            said=lambda: record.recall(
                read_tail(service.kafka, PREDICTIONS, plan.markets, _recent)
            ),
            writer=writer,
            metrics=metrics,
        ) as learning,
    ):
        record = _Record(writer, metrics)
        past = read_tail(service.kafka, FEATURES, plan.markets, _enough)
        learning.recall(published.message for tail in past.values() for published in tail)
        runner = KafkaRunner(learning.stage(), service.kafka, metrics, before_commit=writer.flush)
        runner.tap(FEATURES, learning.observe)
        runner.tap(PREDICTIONS, record.predicted)
        runner.tap(OUTCOMES, record.happened)
        service.ready()
        runner.run()


class _Record:
    """Stores predictions with how long they took, and outcomes of those that were in time."""

    def __init__(self, writer: StoreWriter, metrics: Metrics) -> None:
        self._writer = writer
        self._metrics = metrics
        self._late = Recent(_LATE)
        self._published_ms: dict[tuple[object, ...], int] = {}

    def recall(self, tails: Mapping[str, list[Published]]) -> dict[str, list[Prediction]]:
        """Note when predictions were published before a stop; return them."""
        self._published_ms = {
            published.message.identity: published.time_ms
            for tail in tails.values()
            for published in tail
        }
        return {market: [each.message for each in tail] for market, tail in tails.items()}

    def predicted(self, prediction: Prediction, received_ns: int) -> None:
        now_ns = time.time_ns()
        published_ms = self._published_ms.pop(prediction.identity, None)
        if published_ms is not None:
            now_ns = published_ms * 1_000_000
        made_at_ms = max(now_ns // 1_000_000, prediction.close_time_ms)
        latency_us = max(0, now_ns - received_ns) // 1_000 if received_ns else 0
        late = made_at_ms >= prediction.for_ms
        if late:
            self._late.add(prediction.identity)
        self._writer.put(PredictionRow(prediction, made_at_ms, latency_us, late))
        metrics = self._metrics
        if received_ns:
            metrics.prediction_latency.observe(latency_us / 1_000_000)
        metrics.predictions.labels(
            prediction.market, prediction.horizon_ms, prediction.direction
        ).inc()

    def happened(self, outcome: Outcome, received_ns: int) -> None:
        del received_ns
        if self._late.take(outcome.identity):
            return
        self._writer.put(outcome)
        self._metrics.outcomes.labels(outcome.market, outcome.horizon_ms, outcome.verdict).inc()


def _recent(tail: list[Published]) -> bool:
    return _span_ms(tail) >= _RECENT_MS


def _enough(tail: list[Published]) -> bool:
    return _span_ms(tail) >= _PAST_MS


def _span_ms(tail: list[Published]) -> int:
    if not tail:
        return 0
    span_ms: int = tail[-1].message.close_time_ms - tail[0].message.close_time_ms
    return span_ms


if __name__ == "__main__":
    main("predictor", __file__, 9104, run)
