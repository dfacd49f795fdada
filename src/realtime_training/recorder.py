"""What is done with every message that passes: shown, counted, stored and scored."""

from __future__ import annotations

from collections.abc import Sequence

from marketstream.messages import Candle, DeadLetter, Outcome, Prediction, Trades
from marketstream.metrics import Metrics
from marketstream.runners.in_process import InProcessRunner
from marketstream.store.rows import PredictionRow
from marketstream.store.writer import StoreWriter
from marketstream.topics import CANDLES, DEAD_LETTERS, OUTCOMES, PREDICTIONS, TRADES
from prediction_api.board import PredictionBoard
from prediction_api.live_view import LiveView
from predictor.scoring import Scoreboard

_SCORED = 10_000  # outcomes a horizon: what was good last week says little of now


class Recorder:
    """Taps a runner; the board comes first, since latency is counted until it is readable.

    A prediction made after the moment it is about is stored as `late` and not scored.
    """

    def __init__(
        self,
        runner: InProcessRunner,
        board: PredictionBoard,
        view: LiveView,
        writer: StoreWriter,
        metrics: Metrics,
    ) -> None:
        self.scoreboards = {market: Scoreboard(_SCORED) for market in board.markets}
        self._board = board
        self._view = view
        self._writer = writer
        self._metrics = metrics
        self._late: set[tuple[object, ...]] = set()
        runner.tap(TRADES, self._on_trades)
        runner.tap(CANDLES, self._on_candle)
        runner.tap(PREDICTIONS, self._on_prediction)
        runner.tap(OUTCOMES, self._on_outcome)
        runner.tap(DEAD_LETTERS, self._on_dead_letter)

    def recall(self, predictions: Sequence[PredictionRow], outcomes: Sequence[Outcome]) -> None:
        """Count again what was predicted and scored before a stop."""
        for row in predictions:
            if not row.late:
                self.scoreboards[row.prediction.market].predicted(row.prediction)
        for outcome in outcomes:
            self.scoreboards[outcome.market].happened(outcome)
        self._view.preload((), predictions, outcomes)

    def _on_trades(self, message: Trades, received_ns: int) -> None:
        if received_ns:  # history is not received: it says nothing of the feed
            self._board.saw(message, received_ns)
        metrics = self._metrics
        metrics.messages.labels(TRADES.name).inc()
        metrics.trades.labels(message.market).inc(len(message.trades))
        if message.quote is not None:
            metrics.quotes.labels(message.market).inc()

    def _on_candle(self, candle: Candle, received_ns: int) -> None:
        del received_ns
        self._view.saw_candle(candle)
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
        published = self._board.publish(prediction, received_ns)
        self._view.predicted(prediction, published)
        if prediction.preview:
            return
        late = published.made_at_ms >= prediction.for_ms
        if late:
            self._late.add(prediction.identity)
        else:
            self.scoreboards[prediction.market].predicted(prediction)
        self._writer.put(
            PredictionRow(prediction, published.made_at_ms, published.latency_us, late)
        )
        metrics = self._metrics
        metrics.messages.labels(PREDICTIONS.name).inc()
        metrics.prediction_latency.observe(published.latency_us / 1_000_000)
        metrics.predictions.labels(
            prediction.market, prediction.horizon_ms, prediction.direction
        ).inc()

    def _on_outcome(self, outcome: Outcome, received_ns: int) -> None:
        del received_ns
        self._metrics.messages.labels(OUTCOMES.name).inc()
        if outcome.identity in self._late:
            self._late.discard(outcome.identity)
            return
        self.scoreboards[outcome.market].happened(outcome)
        self._view.happened(outcome)
        self._writer.put(outcome)
        self._metrics.outcomes.labels(outcome.market, outcome.horizon_ms, outcome.verdict).inc()

    def _on_dead_letter(self, letter: DeadLetter, received_ns: int) -> None:
        del received_ns
        self._writer.put(letter)
        self._metrics.dead_letters.labels(letter.source).inc()
