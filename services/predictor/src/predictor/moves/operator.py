"""How far the price will go: closes in, forecasts and, when their horizon is over, outcomes out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from itertools import product
from math import isfinite

import msgspec
import numpy as np

from marketstream.messages import Features, MoveForecast, MoveOutcome, MoveTarget
from predictor.moves.fit import Fit, Fitted, FittedState
from predictor.moves.horizon import Baselines, Horizon, HorizonState
from predictor.moves.judging import judged
from predictor.moves.layout import Combination, Layout
from predictor.moves.series import Series, SeriesState
from predictor.moves.start import FEWEST, NAME, so_far
from predictor.targets.forecaster import MODEL
from predictor.targets.rows import forecasters_know

_LONGEST_HOLE_MS = 86_400_000
_BEFORE_A_FIT = "ewma"


class _Waiting(msgspec.Struct, array_like=True, frozen=True):
    about_ms: int
    expected: float | None  # of the logarithm, by the fit that said so
    forecast: MoveForecast


class _Snapshot(msgspec.Struct, array_like=True, frozen=True):
    layout: str = ""
    series: SeriesState | None = None
    horizons: list[HorizonState] = []
    fits: list[FittedState] = []
    waiting: list[_Waiting] = []


class Moves:
    """The operator of one market that forecasts how far its price will go.

    At every step it learns what came of the horizons that are over, and says what is forecast of
    those that begin. Fits come from outside by `install`, between two messages; until the first one
    the mean of the exponentially weighted horizons serves, without bounds, and until a horizon is
    over the variance so far, which is said as soon as it is known, between two steps too. After a
    hole of more than a day it begins anew.
    """

    def __init__(self, market: str, layout: Layout) -> None:
        self.market = market
        self._layout = layout
        self._series: Series | None = None
        self._horizons: dict[int, Horizon] = {}
        self._fitted: dict[Combination, Fitted] = {}
        self._waiting: dict[Combination, deque[_Waiting]] = {
            each: deque() for each in product(layout.targets, layout.horizons_ms)
        }
        self.stalled = False
        """Whether the market stands still: what it shows meanwhile is old."""

    def install(self, fits: Iterable[Fit]) -> None:
        """Have fits serve from the next forecast on, but for what is not asked for."""
        for fit in fits:
            if (fit.target, fit.horizon_ms) in self._waiting:
                self._fitted[fit.target, fit.horizon_ms] = Fitted(fit)

    @property
    def timeframe(self) -> str:
        """Of the closes that it reads."""
        return self._layout.timeframe

    @property
    def fits(self) -> Mapping[Combination, Fit]:
        """What serves."""
        return {key: fitted.fit for key, fitted in self._fitted.items()}

    def update(self, message: Features) -> list[MoveForecast | MoveOutcome]:
        """Fold one message; return the outcomes that are due and the forecasts made."""
        if message.timeframe != self._layout.timeframe or message.forming:
            return []
        series = self._series
        if series is not None and message.close_time_ms <= series.close_ms:
            return []
        following: list[MoveForecast | MoveOutcome] = []
        if series is None or message.close_time_ms - series.close_ms > _LONGEST_HOLE_MS:
            series = self._begin(message.close_time_ms)
        while message.close_time_ms - series.close_ms > series.base_ms:
            series.add_unknown()
            following += self._step(series)
        knew = series.known_returns
        series.add(message, stalled=self.stalled)
        following += self._step(series)
        if knew < FEWEST <= series.known_returns:
            following += self._first_forecasts(series)
        return following

    def _begin(self, first_ms: int) -> Series:
        layout = self._layout
        self._series = Series(layout, first_ms)
        self._horizons = {h: Horizon(layout, h, first_ms) for h in layout.horizons_ms}
        for waiting in self._waiting.values():
            waiting.clear()
        return self._series

    def _step(self, series: Series) -> list[MoveForecast | MoveOutcome]:
        if series.close_ms % self._layout.step_ms:
            return []
        for horizon in self._horizons.values():
            horizon.step(series)
        following: list[MoveForecast | MoveOutcome] = [*self._due(series)]
        if isfinite(series.price):
            following += self._forecasts(series)
        return following

    def _due(self, series: Series) -> Iterable[MoveOutcome]:
        for (target, horizon_ms), waiting in self._waiting.items():
            over = self._horizons[horizon_ms].over[target]
            while waiting and waiting[0].about_ms <= series.close_ms:
                said = waiting.popleft()
                behind = (series.close_ms - said.about_ms) // series.base_ms
                came = float(over[-1 - behind])
                if isfinite(came):
                    self._learn(said, came)
                    yield judged(said.forecast, came)

    def _learn(self, said: _Waiting, came: float) -> None:
        forecast = said.forecast
        fitted = self._fitted.get((forecast.target, forecast.horizon_ms))
        if (
            fitted is None or said.expected is None
            or fitted.fit.version != forecast.model_version
        ):  # fmt: skip
            return
        fitted.tracker.learn(float(np.log(max(came, fitted.fit.floor))) - said.expected)

    def _forecasts(self, series: Series) -> Iterable[MoveForecast]:
        for (target, horizon_ms), waiting in self._waiting.items():
            baselines = self._horizons[horizon_ms].baselines(target, series.close_ms)
            fitted = self._fitted.get((target, horizon_ms))
            expected = None
            if not isfinite(baselines.ewma[0]):  # no horizon is over yet
                forecast = self._so_far(series, target, horizon_ms)
            elif not isfinite(baselines.har[0, 0]):
                continue  # nothing is known of late
            elif fitted is None:
                forecast = self._unfitted(target, horizon_ms, baselines)
            else:
                expected, forecast = self._said(fitted, series, baselines)
            if forecast is not None:
                waiting.append(self._awaited(forecast, expected))
                yield forecast

    def _first_forecasts(self, series: Series) -> Iterable[MoveForecast]:
        """Say what is known so far of what nothing has been said of yet."""
        for (target, horizon_ms), waiting in self._waiting.items():
            forecast = None if waiting else self._so_far(series, target, horizon_ms)
            if forecast is not None:
                waiting.append(self._awaited(forecast, None))
                yield forecast

    def _awaited(self, forecast: MoveForecast, expected: float | None) -> _Waiting:
        layout = self._layout
        closes = layout.late_closes + layout.closes(forecast.horizon_ms)
        about_ms = forecast.close_time_ms + closes * layout.base_ms
        return _Waiting(about_ms, expected, forecast)

    def _so_far(self, series: Series, target: MoveTarget, horizon_ms: int) -> MoveForecast | None:
        layout = self._layout
        if series.known_returns < FEWEST:
            return None
        closes = layout.closes(horizon_ms)
        mean = so_far(series.variance_so_far, target, closes, layout.price)
        if mean is None:
            return None
        return self._forecast(target, horizon_ms, NAME, "", mean, (), {NAME: mean}, None)

    def _unfitted(
        self, target: MoveTarget, horizon_ms: int, baselines: Baselines
    ) -> MoveForecast | None:
        """Return what is said without a fit: nothing where nothing has moved yet."""
        means = {
            "ewma": float(baselines.ewma[0]),
            "har": float(baselines.har.mean()),
            "same_hour_of_yesterday": float(baselines.yesterday[0]),
        }
        said = {name: mean for name, mean in means.items() if isfinite(mean) and mean > 0}
        mean = said.get(_BEFORE_A_FIT)
        if mean is None:
            return None
        return self._forecast(target, horizon_ms, _BEFORE_A_FIT, "", mean, (), said, None)

    def _said(
        self, fitted: Fitted, series: Series, baselines: Baselines
    ) -> tuple[float, MoveForecast]:
        fit, layout = fitted.fit, self._layout
        _, known = forecasters_know(
            series, fit.target, layout.closes(fit.horizon_ms), layout.late_closes, fit.floor,
            ewma=baselines.ewma, har=baselines.har, yesterday=baselines.yesterday,
        )  # fmt: skip
        said = fitted.say(known)
        beside = {name: mean for name, mean in said.means.items() if name != MODEL}
        return said.expected, self._forecast(
            fit.target, fit.horizon_ms, MODEL, fit.version, said.means[MODEL], said.quantiles,
            beside, fit.floor,
        )  # fmt: skip

    def _forecast(
        self,
        target: MoveTarget,
        horizon_ms: int,
        name: str,
        version: str,
        mean: float,
        quantiles: tuple[float, ...],
        baselines: dict[str, float],
        floor: float | None,
    ) -> MoveForecast:
        assert self._series is not None
        return MoveForecast(
            market=self.market,
            timeframe=self._layout.timeframe,
            close_time_ms=self._series.close_ms,
            horizon_ms=horizon_ms,
            target=target,
            model_name=name,
            model_version=version,
            price=self._layout.price,
            label_latency_ms=self._layout.latency_ms,
            mean=mean,
            quantiles=quantiles,
            baselines=baselines,
            floor=floor,
        )

    def begin_anew(self) -> None:
        """Forget everything but what stands still, fits too: as after a failure."""
        self._series = None
        self._fitted = {}

    def _is_of_layout(self, fit: Fit) -> bool:
        layout = self._layout
        return fit.is_of(layout.timeframe, layout.latency_ms, layout.closes(fit.horizon_ms))

    def snapshot(self) -> bytes:
        """Return the sums, the fits, and the forecasts whose horizon is not over."""
        if self._series is None:
            return msgspec.msgpack.encode(
                _Snapshot(fits=[fitted.state() for fitted in self._fitted.values()])
            )
        return msgspec.msgpack.encode(
            _Snapshot(
                repr(self._layout),
                self._series.state(),
                [horizon.state() for horizon in self._horizons.values()],
                [fitted.state() for fitted in self._fitted.values()],
                [said for waiting in self._waiting.values() for said in waiting],
            )
        )

    def restore(self, snapshot: bytes) -> None:
        """Go on from a snapshot; with other targets, horizons or steps, begin anew.

        Fits for closes of another timeframe or latency serve nobody.
        """
        state = msgspec.msgpack.decode(snapshot, type=_Snapshot)
        self._fitted = {}
        for fitted in state.fits:
            key = (fitted.fit.target, fitted.fit.horizon_ms)
            if key in self._waiting and self._is_of_layout(fitted.fit):
                self._fitted[key] = Fitted.restored(fitted)
        self._series = None
        if state.series is None or state.layout != repr(self._layout):
            return
        series = self._begin(state.series.first_ms)
        series.restore(state.series)
        for horizon, kept in zip(self._horizons.values(), state.horizons, strict=True):
            horizon.restore(kept)
        for said in state.waiting:
            self._waiting[said.forecast.target, said.forecast.horizon_ms].append(said)
