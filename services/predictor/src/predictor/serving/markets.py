"""The operators of all markets, what they serve, and what was said before a stop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from loguru import logger

from marketstream.messages import Feed, MoveForecast, Prediction, Stall, Status
from marketstream.plan import Plan
from marketstream.ports import Ports
from marketstream.stage import Stage
from marketstream.timeframes import timeframe_ms
from marketstream.topics import MOVE_FORECASTS, MOVE_OUTCOMES, PREDICTIONS
from predictor.arena.guest import Guest
from predictor.moves.fit import Fit
from predictor.moves.layout import Combination, Layout
from predictor.moves.operator import Moves
from predictor.serving.beside import PredictorAndMoves
from predictor.serving.lateness import Lateness
from predictor.serving.operator import Predictor
from predictor.serving.recalled import Recalled
from predictor.serving.stage import predictor_stage
from predictor.settings import Serve
from predictor.training.fitting import TrainedModel

_RECENT_MS = 900_000  # more than passes between two checkpoints
_MOST_LAG_MS = 2_000  # that a start price may be late by, beside the latency
_FEWEST_LATE = 1_000


class Markets:
    """Makes the operators of the stage, has models serve in them, and says what is late."""

    def __init__(
        self,
        plan: Plan,
        ports: Ports,
        *,
        grace_ms: int,
        serve: Serve,
        guests: Sequence[Guest] = (),
        moves: Layout | None = None,
    ) -> None:
        self._plan = plan
        self._ports = ports
        self._grace_ms = grace_ms
        self._serve = serve
        self._guests = guests
        self._layout = moves
        pending = sum(plan.horizons_ms) // timeframe_ms(plan.timeframe)
        if moves is not None:
            pending += len(moves.targets) * sum(moves.horizons_ms) // moves.step_ms
        self._lateness = Lateness(ports.clock, ports.speed, most=_FEWEST_LATE + 2 * pending)
        about_ms = max(plan.horizons_ms) + plan.latency_ms + _MOST_LAG_MS
        recent_ms = _RECENT_MS + about_ms + grace_ms
        self._said = Recalled[Prediction](ports, PREDICTIONS, plan.markets, recent_ms)
        how_far_ms = 0 if moves is None else max(moves.horizons_ms) + moves.step_ms
        self._said_how_far = Recalled[MoveForecast](
            ports, MOVE_FORECASTS, plan.markets, recent_ms + how_far_ms
        )
        self._predictors: dict[str, Predictor] = {}
        self._models: dict[str, dict[int, TrainedModel]] = {}
        self._moves: dict[str, Moves] = {}
        self._stalled: set[str] = set()

    def stage(self, before_first: Callable[[], None]) -> Stage:
        """Return the predictor's stage; `before_first` is called before it makes an operator."""
        plan = self._plan
        stage = predictor_stage(
            timeframe=plan.timeframe,
            base=plan.base,
            horizons_ms=plan.horizons_ms,
            grace_ms=self._grace_ms,
            serve=self._serve,
            guests=self._guests,
        )

        def make_operator(market: str) -> PredictorAndMoves:
            before_first()
            predictor: Predictor = stage.make_operator(market)  # type: ignore[assignment]
            predictor.install(self._models.get(market, {}))
            said = self._said.of(market)
            predictor.remember(said)
            self._lateness.remember(said)
            self._predictors[market] = predictor
            moves = None if self._layout is None else Moves(market, self._layout)
            if moves is not None:
                self._moves[market] = moves
                self._lateness.remember(_first(self._said_how_far.of(market)))
                moves.stalled = self.is_stalled(market)
            return PredictorAndMoves(predictor, moves, _log_failure)

        return replace(
            stage,
            writes=(*stage.writes, MOVE_FORECASTS, MOVE_OUTCOMES),
            make_operator=make_operator,
            finish=self._lateness.finish,
        )

    def install(self, market: str, models: Mapping[int, TrainedModel]) -> None:
        """Have models serve a market from its next close on."""
        self._models.setdefault(market, {}).update(models)
        if market in self._predictors:
            self._predictors[market].install(models)

    def install_fits(self, market: str, fits: Sequence[Fit]) -> None:
        """Have what was fitted say how far a market will go, from its next forecast on."""
        if market in self._moves:
            self._moves[market].install(fits)

    def fits(self, market: str) -> Mapping[Combination, Fit]:
        """Return what says how far a market will go, by target and horizon."""
        moves = self._moves.get(market)
        return {} if moves is None else moves.fits

    def hear(self, said: Stall | Status, received_ns: int) -> None:
        """Note that a market stands still, or goes on; from any thread.

        A market has one stall at a time. It is told of at once; what is said of the feed every
        second tells whoever was not there, and of an end that nobody lived to tell.
        """
        del received_ns
        if isinstance(said, Stall):
            self._stand_still(said.market, stalled=said.end == "open")
        elif isinstance(said.said, Feed):
            self._stand_still(said.market, stalled=said.said.stalled_ms is not None)

    def is_stalled(self, market: str) -> bool:
        """Say whether a market stands still."""
        return market in self._stalled

    def _stand_still(self, market: str, *, stalled: bool) -> None:
        if stalled:
            self._stalled.add(market)
        else:
            self._stalled.discard(market)
        moves = self._moves.get(market)
        if moves is not None:
            moves.stalled = stalled

    def tell(self, market: str, name: str, close_time_ms: int, said: Mapping[int, float]) -> bool:
        """Tell a market what a model from outside says of a close; False where that has been."""
        predictor = self._predictors.get(market)
        return predictor is not None and predictor.tell(name, close_time_ms, said)


def _first(forecasts: Iterable[MoveForecast]) -> Iterable[MoveForecast]:
    """Return the first writing of each, which counts: after a stop some are made again, late."""
    first: dict[object, MoveForecast] = {}
    for forecast in forecasts:
        first.setdefault(forecast.identity, forecast)
    return first.values()


def _log_failure(market: str, error: Exception) -> None:
    logger.warning(
        "How far the price will go cannot be forecast: it begins anew, without fits",
        market=market, error=f"{type(error).__name__}: {error}",
    )  # fmt: skip
