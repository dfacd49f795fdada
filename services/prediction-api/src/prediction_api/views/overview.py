"""What the services before the API say of themselves: how far they are, and what serves."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from marketstream.messages import (
    Feed,
    HowFar,
    Learning,
    Mending,
    Model,
    MoveTarget,
    Parity,
    Recomputed,
    Status,
)
from marketstream.metrics import Metrics
from marketstream.plan import Plan
from marketstream.scores import Scores
from marketstream.symbols import split_market
from prediction_api.views.board import PredictionBoard
from prediction_api.views.how_far import lacking
from prediction_api.views.score_gauges import show_proof, show_score
from prediction_api.views.system_state import FeedState, ModelState, SystemState, WarmingUp

_NS_PER_MS = 1_000_000
_NOTHING_COMPARED = Parity(0, 0, 0, [])
_NOTHING_RECOMPUTED = Recomputed(0, 0, 0, 0)


class _Heard(NamedTuple):
    feed: Feed
    at_ns: int


class Overview:
    """Answers what routes and dashboard ask of each market, from Status and Model messages."""

    def __init__(
        self,
        plan: Plan,
        board: PredictionBoard,
        scores: Scores,
        metrics: Metrics,
        *,
        now_ns: Callable[[], int],
        stale_after_ms: int,
    ) -> None:
        self._plan = plan
        self._board = board
        self._scores = scores
        self._metrics = metrics
        self._now_ns = now_ns
        self._stale_after_ms = stale_after_ms
        self._feeds: dict[str, _Heard] = {}
        self._learning: dict[str, Learning] = {}
        self._parities: dict[str, Parity] = {}
        self._mendings: dict[str, Mending] = {}
        self._recomputed: dict[str, Recomputed] = {}
        self._models: dict[tuple[str, int], Model] = {}
        self._began: set[str] = set()

    def said(self, status: Status) -> None:
        """Note what a service says of a market."""
        match status.said:
            case Feed() as feed:
                self._feeds[status.market] = _Heard(feed, self._now_ns())
                self._board.stall(status.market, stalled=feed.stalled_ms is not None)
                if feed.ended:
                    self._board.end(status.market)
            case Learning() as learning:
                self._learning[status.market] = learning
            case Parity() as parity:
                self._parities[status.market] = parity
            case Mending() as mending:
                self._mendings[status.market] = mending
            case Recomputed() as recomputed:
                self._recomputed[status.market] = recomputed

    def began(self, model: Model) -> None:
        """Note a model that serves from now on."""
        self._began.add(model.market)
        self._models[model.market, model.horizon_ms] = model
        self._metrics.model_trained.labels(model.market, model.horizon_ms).set(
            model.trained_at_ms / 1_000
        )

    def recall(self, model: Model) -> None:
        """Note a model that served before a stop, until one says that it serves now."""
        self._models.setdefault((model.market, model.horizon_ms), model)

    def warming_up(self, market: str) -> WarmingUp:
        """Return what a market lacks for its first prediction."""
        learning = self._learning.get(market)
        detail = f"{market}: {self._lacking(market, learning)}"
        if learning is None:
            return WarmingUp(detail, 0, 0)
        return WarmingUp(detail, learning.seen_ms, learning.needed_ms)

    def how_far_missing(self, market: str, target: MoveTarget) -> WarmingUp:
        """Return what a market lacks for its first forecast of how far."""
        learning = self._learning.get(market)
        how_far = self.how_far(market)
        seen_ms, needed_ms = (how_far.seen_ms, how_far.first_ms) if how_far else (0, 0)
        why = self._unheard(market, learning) or lacking(how_far, target)
        return WarmingUp(f"{market}: {why}", seen_ms or 0, needed_ms)

    def how_far(self, market: str) -> HowFar | None:
        """Return how far forecasts of how far are, None where nobody says that there are any."""
        learning = self._learning.get(market)
        return None if learning is None else learning.how_far

    def _unheard(self, market: str, learning: Learning | None) -> str | None:
        """Return whom nothing has been heard of that has to be; None where that is nobody."""
        heard = self._feeds.get(market)
        if heard is not None and heard.feed.history < 1:
            return f"{heard.feed.history:.0%} of the history read"
        if self._board.age(market) is None:
            by = "" if heard is not None else ", and no word of the trades service: does it run?"
            return f"nothing received yet{by}"
        if learning is None:
            return "no word of the predictor yet: does it run?"
        return None

    def _lacking(self, market: str, learning: Learning | None) -> str:
        unheard = self._unheard(market, learning)
        if unheard is not None or learning is None:
            return unheard or ""
        if not learning.book:
            return "no best bid and ask seen yet; without them there is no mid"
        if market in self._began:
            return "a model serves; the next close brings its prediction"
        if learning.seen_ms < learning.needed_ms:
            seen_s, needed_s = learning.seen_ms // 1_000, learning.needed_ms // 1_000
            return f"{seen_s} of {needed_s} s of market time seen before training"
        if learning.failure is not None:
            return f"the training brought no model: {learning.failure}"
        return "the first model is being trained"

    def mending(self, market: str) -> Mending | None:
        """Return what was last said of mending a market's candles, None where nothing was."""
        return self._mendings.get(market)

    def details(self, market: str) -> dict[str, object]:
        """Return what serves a market, how good it has been, and what is missing."""
        parity = self._parities.get(market, _NOTHING_COMPARED)
        feed = self._feeds.get(market)
        return {
            "models": {
                str(horizon_ms): {"name": model.name, "version": model.version}
                for horizon_ms, model in self._models_of(market).items()
            },
            "accuracy": {
                str(horizon_ms): self._scores.score(market, horizon_ms).accuracy
                for horizon_ms in self._plan.horizons_ms
            },
            "missing_trades": None if feed is None else feed.feed.missing_trades,
            "open_gaps": None if feed is None else feed.feed.open_gaps,
            "stalled_ms": None if feed is None else feed.feed.stalled_ms,
            "quote_lag_ms": None if feed is None else feed.feed.quote_lag_ms,
            "book": None if feed is None else feed.feed.book,
            "parity": {
                "compared": parity.compared,
                "equal": parity.equal,
                "incomplete": parity.incomplete,
                "differences": parity.differences,
            },
            "recomputed": msgspec.structs.asdict(self._recomputed.get(market, _NOTHING_RECOMPUTED)),
        }

    def system(self, market: str) -> SystemState:
        """Return the feed of a market and what serves it."""
        learning = self._learning.get(market)
        trainings = {} if learning is None else learning.trainings
        models = {
            horizon_ms: ModelState(
                model.name,
                model.version,
                model.trained_at_ms,
                model.rows,
                trainings.get(horizon_ms, 0),
            )
            for horizon_ms, model in self._models_of(market).items()
        }
        return SystemState(self._feed_state(market), models)

    def show(self, metrics: Metrics) -> None:
        """Set the gauges that follow from what services say."""
        for market in self._plan.markets:
            metrics.data_age.labels(market).set(self._board.silence_ms(market) / 1_000)
            heard = self._feeds.get(market)
            if heard is not None:
                feed = heard.feed
                metrics.stalled.labels(market).set((feed.stalled_ms or 0) / 1_000)
                if feed.quote_lag_ms is not None:
                    metrics.quote_lag.labels(market).set(feed.quote_lag_ms / 1_000)
                metrics.open_gaps.labels(market).set(feed.open_gaps)
                metrics.missing_trades.labels(market).set(feed.missing_trades)
            for horizon_ms in self._plan.horizons_ms:
                score = self._scores.score(market, horizon_ms)
                show_score(metrics, market, horizon_ms, score)
                show_proof(metrics, market, horizon_ms, self._scores.proof(market, horizon_ms))

    def _models_of(self, market: str) -> dict[int, Model]:
        return {
            horizon_ms: model
            for horizon_ms in self._plan.horizons_ms
            if (model := self._models.get((market, horizon_ms))) is not None
        }

    def _feed_state(self, market: str) -> FeedState:
        venue = split_market(market)[0]
        parity = self._parities.get(market, _NOTHING_COMPARED)
        rate = parity.equal / parity.compared if parity.compared else None
        heard = self._feeds.get(market)
        if heard is None:
            return FeedState(
                exchange=venue, connected=False, reconnects=None, missing_trades=None,
                parity=rate, compared=parity.compared,
            )  # fmt: skip
        # It is said each second: one who has long said nothing may have ended.
        silence_ms = (self._now_ns() - heard.at_ns) // _NS_PER_MS
        return FeedState(
            exchange=venue, connected=heard.feed.connected and silence_ms <= self._stale_after_ms,
            reconnects=heard.feed.reconnects, missing_trades=heard.feed.missing_trades,
            parity=rate, compared=parity.compared,
        )  # fmt: skip
