"""What the API can say of the services before it, from what they publish and store."""

from __future__ import annotations

from marketstream.messages import Candle
from marketstream.metrics import Metrics
from marketstream.plan import Plan
from marketstream.scoring import Score
from marketstream.store.rows import ModelRow
from marketstream.symbols import split_market
from prediction_api.routes.measuring import show_score
from prediction_api.views.board import PredictionBoard
from prediction_api.views.following import Following
from prediction_api.views.state import FeedState, ModelState, SystemState, WarmingUp

_CANDLES = 3_600


class Overview:
    """Answers what the routes and the dashboard ask of each market."""

    def __init__(
        self, plan: Plan, board: PredictionBoard, following: Following, metrics: Metrics
    ) -> None:
        self._plan = plan
        self._board = board
        self._following = following
        self._metrics = metrics
        self._lacking: dict[str, dict[int, int]] = {market: {} for market in plan.markets}
        self._models: dict[tuple[str, int], ModelState] = {}

    def saw_candle(self, candle: Candle) -> None:
        """Note how many trades a candle lacks."""
        if candle.timeframe != self._plan.timeframe or candle.state == "forming":
            return
        lacking = self._lacking[candle.market]
        expected = candle.expected_count
        lacking[candle.open_time_ms] = 0 if expected is None else expected - candle.trade_count
        if len(lacking) > _CANDLES:
            del lacking[next(iter(lacking))]

    def trained(self, row: ModelRow) -> None:
        """Note the model that was trained last."""
        key = (row.market, row.horizon_ms)
        before = self._models.get(key)
        trainings = 0 if before is None else before.trainings + (before.version != row.version)
        self._models[key] = ModelState(
            row.name, row.version, row.trained_at_ms, row.rows, trainings
        )
        self._metrics.model_trained.labels(*key).set(row.trained_at_ms / 1_000)

    def warming_up(self, market: str) -> WarmingUp:
        """Return what a market lacks for its first prediction."""
        if self._board.age(market) is None:
            return WarmingUp(f"no trades of {market} yet: does the trades service run?", 0, 0)
        models = [model for (of, _), model in self._models.items() if of == market]
        if not models:
            detail = f"{market}: no model has been trained yet; the predictor needs two minutes"
            return WarmingUp(detail, 0, 0)
        return WarmingUp(f"{market}: no prediction has come since this API started", 0, 0)

    def details(self, market: str) -> dict[str, object]:
        """Return what serves a market, how good it has been, and what is missing."""
        horizons_ms = self._plan.horizons_ms
        return {
            "models": {
                str(horizon_ms): {"name": model.name, "version": model.version}
                for horizon_ms in horizons_ms
                if (model := self._models.get((market, horizon_ms))) is not None
            },
            "accuracy": {
                str(horizon_ms): self.score(market, horizon_ms).accuracy
                for horizon_ms in horizons_ms
            },
            "missing_trades": self._missing(market),
        }

    def system(self, market: str) -> SystemState:
        """Return the feed of a market and what serves it."""
        connected = self._board.age(market) is not None and not self._board.stale(market)
        return SystemState(
            FeedState(split_market(market)[0], connected, 0, self._missing(market)),
            {horizon: model for (of, horizon), model in self._models.items() if of == market},
        )

    def score(self, market: str, horizon_ms: int) -> Score:
        """Return how good predictions of a horizon have been."""
        return self._following.scoreboards[market].score(horizon_ms)

    def render_metrics(self) -> bytes:
        """Bring what is not counted as it happens up to date, and render all."""
        metrics = self._metrics
        for market in self._plan.markets:
            metrics.data_age.labels(market).set(self._board.silence_ms(market) / 1_000)
            for horizon_ms in self._plan.horizons_ms:
                show_score(metrics, market, horizon_ms, self.score(market, horizon_ms))
        return metrics.render()

    def _missing(self, market: str) -> int:
        return sum(self._lacking[market].values())
