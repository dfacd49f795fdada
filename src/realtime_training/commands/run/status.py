"""What the running system says of itself: how far it is, what serves, and its metrics."""

from __future__ import annotations

from collections.abc import Mapping

from marketstream.parity import Parity
from prediction_api.routes.measuring import show_score
from prediction_api.views.state import FeedState, ModelState, SystemState, WarmingUp

from candles.aggregation import CandleAggregator
from candles.late import LateTrades
from marketstream.metrics import Metrics
from marketstream.scoring import Score, Scoreboard
from prediction_api.views.board import PredictionBoard
from realtime_training.pipeline import Pipeline
from trades.batching import TradesBatcher
from trades.feed import Feed


class Status:
    """Answers the API's questions from the parts that know."""

    def __init__(
        self,
        exchange: str,
        pipeline: Pipeline,
        board: PredictionBoard,
        scoreboards: Mapping[str, Scoreboard],
        metrics: Metrics,
        *,
        batchers: Mapping[str, TradesBatcher],
        feed: Feed,
        trainings: Mapping[tuple[str, int], int],
        parities: Mapping[str, Parity],
        history: Mapping[str, float],
    ) -> None:
        self._exchange = exchange
        self._pipeline = pipeline
        self._board = board
        self._scoreboards = scoreboards
        self._metrics = metrics
        self._batchers = batchers
        self._feed = feed
        self._trainings = trainings
        self._parities = parities
        self._history = history
        self._late_trades = LateTrades(metrics)
        self._counted: dict[str, int] = {}

    def warming_up(self, market: str) -> WarmingUp:
        """Return what a market lacks for its first prediction."""
        progress = self._pipeline.retrainers[market].progress
        seen_s, needed_s = progress.seen_ms // 1_000, progress.needed_ms // 1_000
        read = self._history.get(market, 1.0)
        if read < 1:
            detail = f"{market}: {read:.0%} of the history read"
        elif self._board.age(market) is None:
            detail = f"nothing received from {market} yet"
        elif not progress.book:
            detail = f"{market}: no best bid and ask seen yet; without them there is no mid"
        elif progress.seen_ms < progress.needed_ms:
            detail = f"{market}: {seen_s} of {needed_s} s of market time seen before training"
        else:
            detail = f"{market}: the first model is being trained"
        return WarmingUp(detail, progress.seen_ms, progress.needed_ms)

    def details(self, market: str) -> dict[str, object]:
        """Return what serves a market, how good it has been, and what is missing."""
        return {
            "models": {
                str(horizon_ms): {"name": model.champion.name, "version": model.version}
                for horizon_ms, model in self._pipeline.predictor(market).models.items()
            },
            "accuracy": {
                str(horizon_ms): self._scoreboards[market].score(horizon_ms).accuracy
                for horizon_ms in self._pipeline.plan.horizons_ms
            },
            "missing_trades": self._batchers[market].missing,
            "parity": self._parities[market].summary(),
        }

    def system(self, market: str) -> SystemState:
        """Return the feed of a market and what serves it."""
        models = self._pipeline.predictor(market).models
        return SystemState(
            FeedState(
                self._exchange,
                self._feed.connected,
                self._feed.counts.reconnects,
                self._batchers[market].missing,
                self._parities[market].rate,
                self._parities[market].compared,
            ),
            {
                horizon_ms: ModelState(
                    model.champion.name,
                    model.version,
                    model.trained_at_ms,
                    model.rows,
                    self._trainings.get((market, horizon_ms), 0),
                )
                for horizon_ms, model in models.items()
            },
        )

    def score(self, market: str, horizon_ms: int) -> Score:
        """Return how good predictions of a horizon have been."""
        return self._scoreboards[market].score(horizon_ms)

    def render_metrics(self) -> bytes:
        """Bring what is not counted as it happens up to date, and render all."""
        metrics = self._metrics
        for market in self._pipeline.plan.markets:
            metrics.data_age.labels(market).set(self._board.silence_ms(market) / 1_000)
            candles = self._pipeline.runner.operator("candles", market)
            if isinstance(candles, CandleAggregator):
                self._late_trades.count(candles)
            gaps = self._batchers[market].gaps
            metrics.gaps.labels(market).inc(self._news(f"gaps {market}", gaps))
            for horizon_ms in self._pipeline.plan.horizons_ms:
                show_score(metrics, market, horizon_ms, self.score(market, horizon_ms))
        counts = self._feed.counts
        metrics.ignored_frames.labels(self._exchange).inc(self._news("ignored", counts.ignored))
        metrics.reconnects.labels(self._exchange).inc(self._news("reconnects", counts.reconnects))
        return metrics.render()

    def _news(self, name: str, count: int) -> int:
        """Return by how much a count has grown since it was last asked for."""
        grown = count - self._counted.get(name, 0)
        self._counted[name] = count
        return grown
