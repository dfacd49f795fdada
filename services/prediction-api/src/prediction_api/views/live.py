"""What the dashboard shows of each market: bounded rings, and news of them for who follows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from marketstream.messages import Candle, MoveTarget, Outcome, Prediction
from marketstream.timeframes import timeframe_ms
from prediction_api.views.board import Published
from prediction_api.views.event_queue import EventQueue, event
from prediction_api.views.hops import Hops
from prediction_api.views.prediction_view import Shown
from prediction_api.views.wire import (
    CandleRow,
    Foretold,
    Happened,
    Latency,
    MarketView,
    Point,
    Predicted,
)

MOST_FOLLOWERS = 64


class _Market:
    def __init__(self, horizons_ms: Sequence[int]) -> None:
        self.candles: dict[int, tuple[int, CandleRow]] = {}  # with its revision
        self.forming: CandleRow | None = None
        self.points: dict[int, dict[int, Point]] = {horizon_ms: {} for horizon_ms in horizons_ms}
        self.newest: dict[int, Shown] = {}
        self.previews: dict[int, Shown] = {}
        self.hops = Hops()
        self.queues: set[EventQueue] = set()


class LiveView:
    """Keeps the newest candles of one timeframe and the champion's predictions, and tells of them.

    Plain calls feed it, from the thread of the event loop. Of what nobody follows no view is made.
    """

    def __init__(
        self,
        markets: Iterable[str],
        timeframe: str,
        horizons_ms: Sequence[int],
        *,
        candles: int = 3_600,
        predictions: int = 1_200,
        most_followers: int = MOST_FOLLOWERS,
    ) -> None:
        self.horizons_ms = tuple(horizons_ms)
        self._timeframe = timeframe
        self._most_candles = candles
        self._most_points = predictions
        self._markets = {market: _Market(self.horizons_ms) for market in markets}
        self.most_followers = most_followers
        self._closed = False

    def preload(
        self,
        candles: Iterable[Candle],
        predictions: Iterable[Prediction],
        outcomes: Iterable[Outcome],
    ) -> None:
        """Show what was stored before the start, each in order of time; tells nobody."""
        for candle in candles:
            if candle.timeframe == self._timeframe and candle.state == "closed":
                self._keep_candle(candle)
        for prediction in predictions:
            if self._shows(prediction) and not prediction.late:
                self._keep_point(prediction)
        for outcome in outcomes:
            self._settle(outcome)

    def saw_candle(self, candle: Candle) -> None:
        """Show a candle, forming or closed; other timeframes are passed over."""
        if candle.timeframe != self._timeframe:
            return
        if candle.state == "forming":
            row = self._markets[candle.market].forming = _candle_row(candle)
            self._tell(candle.market, "forming", row)
        elif self._keep_candle(candle):
            self._tell(candle.market, "candle", _candle_row(candle))

    def predicted(self, prediction: Prediction, published: Published) -> None:
        """Show the champion's prediction; one made too late is not drawn, as it is not scored.

        A preview, made of the candle that still forms, is shown until the next prediction.
        """
        if not self._shows(prediction):
            return
        market = self._markets[prediction.market]
        shown = Shown(prediction, published.made_at_ms, published.latency_us)
        if prediction.preview:
            market.previews[prediction.horizon_ms] = shown
            if market.queues:
                self._tell(prediction.market, "preview", shown.view)
            return
        market.hops.passed(prediction, published)
        market.newest[prediction.horizon_ms] = shown
        market.previews.pop(prediction.horizon_ms, None)
        point = None if prediction.late else self._keep_point(prediction)
        if market.queues:
            self._tell(prediction.market, "prediction", Predicted(shown.view, point))

    def happened(self, outcome: Outcome) -> None:
        """Put what came of a prediction to it."""
        if self._settle(outcome):
            news = Happened(
                outcome.horizon_ms, outcome.close_time_ms, outcome.verdict, outcome.realised_mid
            )
            self._tell(outcome.market, "outcome", news)

    def foretold(self, market: str, target: MoveTarget) -> None:
        """Tell that it was said anew how far a market will go."""
        self._tell(market, "moves", Foretold(target))

    def view(self, market: str) -> MarketView:
        """Return all that is kept of a market."""
        kept = self._markets[market]
        return MarketView(
            timeframe_ms=timeframe_ms(self._timeframe),
            horizons_ms=self.horizons_ms,
            candles=[row for _, row in kept.candles.values()],
            forming=kept.forming,
            points={
                horizon_ms: list(points.values()) for horizon_ms, points in kept.points.items()
            },
            newest={horizon_ms: shown.view for horizon_ms, shown in kept.newest.items()},
            previews={horizon_ms: shown.view for horizon_ms, shown in kept.previews.items()},
        )

    def latency(self, market: str) -> Latency | None:
        """Return how long the newest predictions took; None before the first."""
        return self._markets[market].hops.latency()

    @property
    def followers(self) -> int:
        """How many queues are told of news."""
        return sum(len(market.queues) for market in self._markets.values())

    def follow(self, market: str, queue: EventQueue) -> bool:
        """Put all news of a market into a queue, until it falls behind or is forgotten.

        False where the news of all markets go into as many queues as they may.
        """
        if self.followers >= self.most_followers:
            return False
        if self._closed:
            queue.end()
        else:
            self._markets[market].queues.add(queue)
        return True

    def forget(self, market: str, queue: EventQueue) -> None:
        """Put nothing more into a queue."""
        self._markets[market].queues.discard(queue)

    def close(self) -> None:
        """End all streams, later ones too, so that the server can stop: it waits for answers."""
        self._closed = True
        for market in self._markets.values():
            for queue in market.queues:
                queue.end()
            market.queues.clear()

    def _shows(self, prediction: Prediction) -> bool:
        return prediction.role == "champion" and prediction.horizon_ms in self.horizons_ms

    def _keep_candle(self, candle: Candle) -> bool:
        market = self._markets[candle.market]
        candles = market.candles
        row = _candle_row(candle)
        newest_ms = next(reversed(candles), row.open_time_ms)
        if row.open_time_ms < newest_ms and row.open_time_ms not in candles:
            return False  # from before what is kept
        revision, _ = candles.get(row.open_time_ms, (candle.revision, row))
        if revision > candle.revision:
            return False  # told again
        candles[row.open_time_ms] = (candle.revision, row)
        if market.forming is not None and market.forming.open_time_ms <= row.open_time_ms:
            market.forming = None
        _forget_oldest(candles, self._most_candles)
        return True

    def _keep_point(self, prediction: Prediction) -> Point:
        points = self._markets[prediction.market].points[prediction.horizon_ms]
        point = points.setdefault(
            prediction.close_time_ms,
            Point(
                prediction.close_time_ms,
                prediction.for_ms,
                prediction.mid,
                prediction.predicted_price,
                prediction.low,
                prediction.high,
                prediction.direction,
            ),
        )
        _forget_oldest(points, self._most_points)
        return point

    def _settle(self, outcome: Outcome) -> bool:
        points = self._markets[outcome.market].points.get(outcome.horizon_ms, {})
        point = points.get(outcome.close_time_ms)
        if point is None or outcome.role != "champion":
            return False
        point.verdict = outcome.verdict
        return True

    def _tell(self, market: str, name: str, news: object) -> None:
        queues = self._markets[market].queues
        if not queues:
            return
        encoded = event(name, news)
        for queue in [queue for queue in queues if not queue.put(encoded)]:
            queues.discard(queue)


def _candle_row(candle: Candle) -> CandleRow:
    return CandleRow(
        candle.open_time_ms, candle.open, candle.high, candle.low, candle.close,
        candle.mid, candle.volume,
    )  # fmt: skip


def _forget_oldest[T](kept: dict[int, T], most: int) -> None:
    while len(kept) > most:
        del kept[next(iter(kept))]
