"""What is done with every message that passes: shown, counted, stored and scored."""

from __future__ import annotations

from prediction_api.views.following import Following

from marketstream.messages import Candle, DeadLetter, Outcome, Prediction, Trades
from marketstream.metrics import Metrics
from marketstream.runners.in_process import InProcessRunner
from marketstream.store.rows import PredictionRow
from marketstream.store.writer import StoreWriter
from marketstream.topics import CANDLES, DEAD_LETTERS, OUTCOMES, PREDICTIONS, TRADES


class Recorder:
    """Taps a runner; the API comes first, since latency is counted until it is readable.

    A prediction made after the moment it is about is stored as `late`, and its outcome is not.
    """

    def __init__(
        self,
        runner: InProcessRunner,
        following: Following,
        writer: StoreWriter,
        metrics: Metrics,
    ) -> None:
        self._following = following
        self._writer = writer
        self._metrics = metrics
        runner.tap(TRADES, self._on_trades)
        runner.tap(CANDLES, self._on_candle)
        runner.tap(PREDICTIONS, self._on_prediction)
        runner.tap(OUTCOMES, self._on_outcome)
        runner.tap(DEAD_LETTERS, self._on_dead_letter)

    def _on_trades(self, message: Trades, received_ns: int) -> None:
        self._following.saw_trades(message, received_ns)
        metrics = self._metrics
        metrics.messages.labels(TRADES.name).inc()
        metrics.trades.labels(message.market).inc(len(message.trades))
        if message.quote is not None:
            metrics.quotes.labels(message.market).inc()

    def _on_candle(self, candle: Candle, received_ns: int) -> None:
        del received_ns
        self._following.saw_candle(candle)
        if candle.state == "forming":
            return
        self._writer.put(candle)
        metrics = self._metrics
        metrics.messages.labels(CANDLES.name).inc()
        if candle.revision > 0:
            metrics.candle_revisions.labels(candle.market, candle.timeframe).inc()
            return
        metrics.candles.labels(candle.market, candle.timeframe).inc()
        if not candle.complete:
            metrics.candles_incomplete.labels(candle.market, candle.timeframe).inc()

    def _on_prediction(self, prediction: Prediction, received_ns: int) -> None:
        made = self._following.predicted(prediction, received_ns)
        if made is None or prediction.preview:
            return
        published, late = made
        self._metrics.messages.labels(PREDICTIONS.name).inc()
        self._writer.put(
            PredictionRow(prediction, published.made_at_ms, published.latency_us, late)
        )

    def _on_outcome(self, outcome: Outcome, received_ns: int) -> None:
        del received_ns
        self._metrics.messages.labels(OUTCOMES.name).inc()
        if self._following.happened(outcome):
            self._writer.put(outcome)

    def _on_dead_letter(self, letter: DeadLetter, received_ns: int) -> None:
        del received_ns
        self._writer.put(letter)
        self._metrics.dead_letters.labels(letter.source).inc()
