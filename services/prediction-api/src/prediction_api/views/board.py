"""The newest predictions of each market, ready to be served."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from typing import Literal, NamedTuple

import msgspec

from marketstream.messages import Prediction, Trades
from marketstream.symbols import split_market
from prediction_api.views.prediction_view import MarketPredictions, Shown

_NS_PER_US = 1_000
_US_PER_MS = 1_000
_MOST_APART_US = 60_000_000  # what was received farther from its close is of another time

type MarketState = Literal["connecting", "warming up", "ok", "stalled", "stale", "ended"]


class Published(NamedTuple):
    """When a prediction was made (market time), and how long after a receipt it was readable.

    The receipt is that of what closed the candle; it was `heard_us` after the close, by the two
    clocks, the exchange's and ours, and None where they are not of the same time.
    """

    made_at_ms: int
    latency_us: int
    heard_us: int | None = None


class Seen(msgspec.Struct, frozen=True):
    """How far a market is seen: a Trades message whose trades nobody decodes."""

    market: str
    seen_until_us: int


class DataAge(NamedTuple):
    """The market's time now, and how long ago (market time) anything came from it."""

    as_of_ms: int
    age_ms: int


class PredictionBoard:
    """Keeps one prediction per horizon for each market.

    `now_ns` is the clock that stamped `received_ns`; a clock that runs `speed` times faster than
    life makes the ages market time and the latencies still real time.
    """

    def __init__(
        self,
        markets: Iterable[str],
        *,
        now_ns: Callable[[], int],
        speed: float = 1.0,
        stale_after_ms: int = 5_000,
    ) -> None:
        self.markets = tuple(markets)
        self._now_ns = now_ns
        self._speed = speed
        self._stale_after_ms = stale_after_ms
        self._seen: dict[str, tuple[int, int]] = {}
        self._views: dict[str, dict[int, Shown]] = {m: {} for m in self.markets}
        self._previews: dict[str, dict[int, Shown]] = {m: {} for m in self.markets}
        self._began_ns = now_ns()
        self._ended: set[str] = set()
        self._stalled: set[str] = set()

    def saw(self, message: Trades | Seen, received_ns: int) -> None:
        """Remember how far time was seen, and when."""
        self._seen[message.market] = (message.seen_until_us, received_ns)

    def publish(self, prediction: Prediction, received_ns: int) -> Published:
        """Make a prediction readable; return when it was made and how long all of it took.

        A preview never takes the place of a prediction, which is what will be scored: it stands
        beside it until the next close.
        """
        latency_us = round((self._now_ns() - received_ns) / self._speed / _NS_PER_US)
        made_at_ms = self._made_at_ms(prediction)
        heard_us = received_ns // _NS_PER_US - prediction.close_time_ms * _US_PER_MS
        is_of_one_time = abs(heard_us) <= _MOST_APART_US
        published = Published(
            made_at_ms, latency_us, round(heard_us / self._speed) if is_of_one_time else None
        )
        shown = Shown(prediction, made_at_ms, latency_us)
        previews = self._previews[prediction.market]
        if prediction.preview:
            previews[prediction.horizon_ms] = shown
        else:
            self._views[prediction.market][prediction.horizon_ms] = shown
            previews.pop(prediction.horizon_ms, None)
        return published

    def shown(self, prediction: Prediction) -> Shown:
        """Return what is shown of a prediction that was published just now."""
        shown = self._previews if prediction.preview else self._views
        return shown[prediction.market][prediction.horizon_ms]

    def recall(self, prediction: Prediction) -> None:
        """Make a prediction of before readable again, if what it is about is still to come."""
        shown = self._views[prediction.market].get(prediction.horizon_ms)
        newer = shown is None or shown.prediction.for_ms < prediction.for_ms
        if newer and prediction.for_ms * _US_PER_MS * _NS_PER_US > self._now_ns():
            self._views[prediction.market][prediction.horizon_ms] = Shown(
                prediction, self._made_at_ms(prediction), prediction.latency_us
            )

    def end(self, market: str) -> None:
        """Say that no more is to come, of a recording: silence is no fault from now on."""
        self._ended.add(market)

    def stall(self, market: str, *, stalled: bool) -> None:
        """Note whether a market is silent for longer than it ever is."""
        if stalled:
            self._stalled.add(market)
        else:
            self._stalled.discard(market)

    def age(self, market: str) -> DataAge | None:
        """Return the market's time and the age of its data; None before anything was seen."""
        seen = self._seen.get(market)
        if seen is None:
            return None
        seen_until_us, received_ns = seen
        elapsed_us = max(0, self._now_ns() - received_ns) // _NS_PER_US
        return DataAge((seen_until_us + elapsed_us) // _US_PER_MS, elapsed_us // _US_PER_MS)

    def silence_ms(self, market: str) -> int:
        """Return for how long nothing has come from a market: since the start, if nothing did."""
        age = self.age(market)
        if age is not None:
            return age.age_ms
        return (self._now_ns() - self._began_ns) // (_NS_PER_US * _US_PER_MS)

    def stale(self, market: str) -> bool:
        """Say whether nothing has come from the market for too long, though there should."""
        age = self.age(market)
        is_over = market in self._ended
        return not is_over and age is not None and age.age_ms > self._stale_after_ms

    def stalled(self, market: str) -> bool:
        """Say whether the market's time stands still, though its connection may be alive."""
        return market in self._stalled and market not in self._ended

    def state(self, market: str) -> MarketState:
        """Return how a market is; `warming up` means that nothing is predicted yet."""
        if self.age(market) is None:
            return "connecting"
        if market in self._ended:
            return "ended"
        if self.stale(market):
            return "stale"
        if self.stalled(market):
            return "stalled"
        return "ok" if self.predicts(market) else "warming up"

    def predicts(self, market: str) -> bool:
        """Say whether there is a prediction for a market."""
        return bool(self._views[market])

    def newest(
        self, market: str, horizons_ms: Container[int] | None = None
    ) -> MarketPredictions | None:
        """Return the newest predictions of a market, of all horizons or some; None without any."""
        shown, age = self.newest_shown(market, horizons_ms), self.age(market)
        if shown is None or age is None:
            return None
        predictions, previews = shown
        return MarketPredictions(
            symbol=split_market(market)[1],
            as_of_ms=age.as_of_ms,
            data_age_ms=age.age_ms,
            stale=self.stale(market),
            stalled=self.stalled(market),
            predictions=[one.view for one in predictions],
            previews=[one.view for one in previews],
        )

    def newest_shown(
        self, market: str, horizons_ms: Container[int] | None = None
    ) -> tuple[list[Shown], list[Shown]] | None:
        """Return the newest predictions and previews by horizon; None before any prediction."""
        views, previews = self._views[market], self._previews[market]
        if not views:
            return None
        asked = [h for h in sorted(views) if horizons_ms is None or h in horizons_ms]
        return [views[h] for h in asked], [previews[h] for h in asked if h in previews]

    def _made_at_ms(self, prediction: Prediction) -> int:
        """Return when it was made: who publishes says so; a preview is of the market's now."""
        if prediction.made_at_ms is not None and not prediction.preview:
            return prediction.made_at_ms
        age = self.age(prediction.market)
        return prediction.close_time_ms if age is None else age.as_of_ms
