"""All that the API shows of the markets of a plan, kept by nothing but the messages that pass."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from marketstream.messages import (
    Candle,
    Model,
    MoveForecast,
    MoveOutcome,
    MoveTarget,
    Outcome,
    Prediction,
    Status,
    Trades,
)
from marketstream.metrics import Metrics
from marketstream.plan import Plan
from marketstream.recent import Recent
from marketstream.scores import Scores
from marketstream.symbols import split_market
from prediction_api.views.board import PredictionBoard, Published, Seen
from prediction_api.views.certificates import Certificates
from prediction_api.views.feed import PredictionFeed
from prediction_api.views.how_far import missing_bounds
from prediction_api.views.live import MOST_FOLLOWERS, LiveView
from prediction_api.views.moves import TARGETS, MarketMoves, MoveBoard
from prediction_api.views.newest_json import NewestJson
from prediction_api.views.overview import Overview
from prediction_api.views.prediction_view import MarketPredictions, Shown, verdict_of

_REMEMBERED = 20_000

type Heard = (
    Trades | Seen | Candle | Prediction | Outcome | MoveForecast | MoveOutcome | Model | Status
)


class Recalled(NamedTuple):
    """What the store knows of one market from before a stop, in order of time."""

    candles: Sequence[Candle]
    predictions: Sequence[Prediction]
    outcomes: Sequence[Outcome]
    models: Sequence[Model]
    moves: Sequence[MoveForecast] = ()
    moved: Sequence[MoveOutcome] = ()


class MarketViews:
    """The board, live view, feed, scores and overview, each told what it is to know.

    `now_ns` is the clock that stamps what is received; it runs `speed` times as fast as life.
    Predictions are the champion's: a challenger's are for whoever compares. What was late is shown
    and not scored; what comes a second time, as Kafka may have it, is passed over.
    """

    def __init__(
        self,
        plan: Plan,
        metrics: Metrics,
        *,
        now_ns: Callable[[], int],
        speed: float = 1.0,
        stale_after_ms: int = 5_000,
        most_streams: int = MOST_FOLLOWERS,
    ) -> None:
        stale_after_ms = round(stale_after_ms * max(1.0, speed))
        self.board = PredictionBoard(
            plan.markets, now_ns=now_ns, speed=speed, stale_after_ms=stale_after_ms
        )
        self.live = LiveView(
            plan.markets, plan.timeframe, plan.horizons_ms, most_followers=most_streams
        )
        self.feed = PredictionFeed(plan.markets, most_streams)
        self.moves = MoveBoard()
        self.move_feeds = {target: PredictionFeed(plan.markets, most_streams) for target in TARGETS}
        self.scores = Scores(plan)
        self.newest_json = NewestJson(self.board, self.scores)
        self.certificates = Certificates()
        self.overview = Overview(
            plan, self.board, self.scores, metrics, now_ns=now_ns, stale_after_ms=stale_after_ms
        )
        self._markets = frozenset(plan.markets)
        self._metrics = metrics
        self._count = cache(metrics.predictions.labels)  # which looks one up at length
        self._count_outcome = cache(metrics.outcomes.labels)
        self._shown: deque[tuple[Prediction, Published, Shown]] = deque()
        self._known: Recent[tuple[object, ...]] = Recent(_REMEMBERED)

    def show(self, prediction: Prediction, received_ns: int) -> None:
        """Make a prediction readable, before `hear` is told of the same ones in the same order."""
        if not received_ns or prediction.market not in self._markets:
            return
        if self._is_news(prediction):
            published = self.board.publish(prediction, received_ns)
            self._shown.append((prediction, published, self.board.shown(prediction)))

    def hear(self, message: Heard, received_ns: int) -> None:
        """Show a message; markets of somebody else's plan are passed over."""
        if message.market not in self._markets:
            return
        match message:
            case Trades() | Seen():
                if received_ns:  # history is not received: it says nothing of the feed
                    self.board.saw(message, received_ns)
            case Candle():
                self.live.saw_candle(message)
                self.scores.closed(message)
                self.certificates.saw(message)
            case Prediction():
                self._predicted(message, received_ns)
            case Outcome():
                self._happened(message)
            case MoveForecast():
                if self.moves.said(message) and received_ns:
                    self.move_feeds[message.target].moved(message)
                    self.live.foretold(message.market, message.target)
            case MoveOutcome():
                if self.moves.came(message) and received_ns:
                    self.move_feeds[message.target].moved_so(message)
            case Model():
                self.overview.began(message)
            case Status():
                self.overview.said(message)

    def newest(
        self, market: str, horizons_ms: Container[int] | None = None
    ) -> MarketPredictions | None:
        """Return the newest predictions of a market, and what is proven of them."""
        newest = self.board.newest(market, horizons_ms)
        if newest is None:
            return None
        horizons = [view.horizon_ms for view in newest.predictions]
        verdicts = [verdict_of(each, self.scores.proof(market, each)) for each in horizons]
        return replace(newest, verdicts=verdicts)

    def newest_moves(
        self, market: str, target: MoveTarget, horizons_ms: Container[int] | None = None
    ) -> MarketMoves | None:
        """Return how far a market is said to go, and how good that was; None before it is said."""
        moves, age = self.moves.newest(market, target, horizons_ms), self.board.age(market)
        if not moves or age is None:
            return None
        return MarketMoves(
            symbol=split_market(market)[1],
            as_of_ms=age.as_of_ms,
            data_age_ms=age.age_ms,
            stale=self.board.stale(market),
            stalled=self.board.stalled(market),
            target=target,
            moves=moves,
            scores=self.moves.scores(market, target, horizons_ms),
            bounds_missing=missing_bounds(self.overview.how_far(market), moves),
        )

    def close(self) -> None:
        """End all streams, later ones too."""
        self.live.close()
        for feed in (self.feed, *self.move_feeds.values()):
            feed.close()

    def render_metrics(self) -> bytes:
        """Bring what is not counted as it happens up to date, and render all."""
        self.overview.show(self._metrics)
        self.certificates.show(self._metrics)
        return self._metrics.render()

    def recall(self, recalled: Recalled) -> None:
        """Show and count again what was there before a stop; before anything else is heard."""
        predictions = [p for p in recalled.predictions if self._is_news(p)]
        outcomes = [o for o in recalled.outcomes if self._is_news(o)]
        for prediction in predictions:
            self.board.recall(prediction)
            self.scores.predicted(prediction)
        for candle in recalled.candles:
            self.scores.closed(candle)
            self.certificates.saw(candle)
        for outcome in outcomes:
            self.scores.happened(outcome)
        for model in recalled.models:
            self.overview.recall(model)
        self.live.preload(recalled.candles, predictions, outcomes)
        self.feed.preload(predictions, outcomes)
        for forecast in recalled.moves:
            self.moves.said(forecast)
        for moved in recalled.moved:
            self.moves.came(moved)

    def _predicted(self, prediction: Prediction, received_ns: int) -> None:
        if self._shown and self._shown[0][0] is prediction:
            _, published, shown = self._shown.popleft()
        elif not self._is_news(prediction):
            return
        elif not received_ns:  # of a past that nobody was watching: no latency, and mostly over
            self.board.recall(prediction)
            self.scores.predicted(prediction)
            return
        else:
            published = self.board.publish(prediction, received_ns)
            shown = self.board.shown(prediction)
        self.live.predicted(prediction, published)
        if prediction.preview:
            return
        self.feed.predicted(shown)
        self.scores.predicted(prediction)
        self._metrics.prediction_latency.observe(published.latency_us / 1_000_000)
        self._count(prediction.market, prediction.horizon_ms, prediction.direction).inc()

    def _happened(self, outcome: Outcome) -> None:
        if not self._is_news(outcome) or outcome.late:
            return
        self.scores.happened(outcome)
        self.live.happened(outcome)
        self.feed.happened(outcome)
        self._count_outcome(outcome.market, outcome.horizon_ms, outcome.verdict).inc()

    def _is_news(self, message: Prediction | Outcome) -> bool:
        if message.role != "champion":
            return False
        if isinstance(message, Prediction) and message.preview:
            return True
        return self._known.add((type(message).__name__, *message.identity))
