"""What the API does with each message that passes: it is shown, scored and counted."""

from __future__ import annotations

from collections.abc import Sequence

from marketstream.messages import Candle, Outcome, Prediction, Trades
from marketstream.metrics import Metrics
from marketstream.recent import Recent
from marketstream.scoring import Scoreboard
from marketstream.store.rows import PredictionRow
from prediction_api.views.board import PredictionBoard, Published, Seen
from prediction_api.views.live import LiveView

_SCORED = 10_000  # outcomes a horizon: what was good last week says little of now
_REMEMBERED = 20_000


class Following:
    """Keeps the board, the live view and the scores up to date.

    A prediction made after the moment it is about is late: it is shown, not scored, and neither is
    its outcome. What comes a second time, as Kafka may have it, is passed over.
    """

    def __init__(self, board: PredictionBoard, view: LiveView, metrics: Metrics) -> None:
        self.scoreboards = {market: Scoreboard(_SCORED) for market in board.markets}
        self._board = board
        self._view = view
        self._metrics = metrics
        self._late = Recent(_REMEMBERED)
        self._known = Recent(_REMEMBERED)

    def recall(
        self,
        candles: Sequence[Candle],
        predictions: Sequence[PredictionRow],
        outcomes: Sequence[Outcome],
    ) -> None:
        """Show and count again what was there before a stop."""
        for row in predictions:
            self._board.recall(row)
            if self._is_new("prediction", row.prediction.identity) and not row.late:
                self.scoreboards[row.prediction.market].predicted(row.prediction)
        for outcome in outcomes:
            if self._is_new("outcome", outcome.identity):
                self.scoreboards[outcome.market].happened(outcome)
        self._view.preload(candles, predictions, outcomes)

    def saw_trades(self, message: Trades | Seen, received_ns: int) -> None:
        """Note how far a market is seen; from any thread."""
        if received_ns:  # history is not received: it says nothing of the feed
            self._board.saw(message, received_ns)

    def saw_candle(self, candle: Candle) -> None:
        """Show a candle."""
        self._view.saw_candle(candle)

    def predicted(self, prediction: Prediction, received_ns: int) -> tuple[Published, bool] | None:
        """Make a prediction readable; return when that was and whether that was too late.

        None for one that was readable before.
        """
        if not prediction.preview and not self._is_new("prediction", prediction.identity):
            return None
        published = self._board.publish(prediction, received_ns)
        self._view.predicted(prediction, published)
        if prediction.preview:
            return published, False
        late = published.made_at_ms >= prediction.for_ms
        if late:
            self._late.add(prediction.identity)
        else:
            self.scoreboards[prediction.market].predicted(prediction)
        metrics = self._metrics
        metrics.prediction_latency.observe(published.latency_us / 1_000_000)
        metrics.predictions.labels(
            prediction.market, prediction.horizon_ms, prediction.direction
        ).inc()
        return published, late

    def happened(self, outcome: Outcome) -> bool:
        """Score an outcome; False for one of a prediction made too late, or scored before."""
        if self._late.take(outcome.identity):
            return False
        if not self._is_new("outcome", outcome.identity):
            return False
        self.scoreboards[outcome.market].happened(outcome)
        self._view.happened(outcome)
        self._metrics.outcomes.labels(outcome.market, outcome.horizon_ms, outcome.verdict).inc()
        return True

    def _is_new(self, kind: str, identity: tuple[object, ...]) -> bool:
        return self._known.add((kind, *identity))
