"""How far markets were said to go, and how good that was, as the API shows it."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

import msgspec

from marketstream.messages import MoveForecast, MoveOutcome, MovePrice, MoveTarget

TARGETS: tuple[MoveTarget, ...] = ("volatility", "range")
_SCORED = 10_000  # the newest of each target and horizon

type _Key = tuple[str, MoveTarget, int]


@dataclass(frozen=True, slots=True)
class MoveView:
    """How far the price will go within a horizon, made at a close, judged at `for_ms`.

    `move` is the expected move as a fraction of the price: of volatility the square root of the
    expected variance, of range the range itself. It is within `low_80` and `high_80` in 80 % of
    cases, within the others in 90 %; null until a model has been fitted, and by then `model_name`
    is the baseline that serves. `baselines` are the moves that others expect. `mean` and
    `quantiles`, at 5, 10, ... 95 %, are the target's own: of volatility a variance.
    """

    id: str
    target: MoveTarget
    close_time_ms: int
    horizon_ms: int
    made_at_ms: int
    for_ms: int
    price: MovePrice
    move: float
    low_80: float | None
    high_80: float | None
    low_90: float | None
    high_90: float | None
    baselines: dict[str, float]
    mean: float
    quantiles: list[float]
    model_name: str
    model_version: str
    late: bool


@dataclass(frozen=True, slots=True)
class MoveScore:
    """How good the model's forecasts of a horizon were, of the newest 10,000 that were not late.

    Losses are means over `outcomes`, which are worth `effective` that do not overlap. `qlike_less`
    is by which share the loss is less than each baseline's on the same rows: above 0 is better.
    The coverages are the shares of outcomes within the bounds.
    """

    target: MoveTarget
    horizon_ms: int
    outcomes: int
    effective: float
    qlike: float
    crps: float
    coverage_80: float
    coverage_90: float
    qlike_less: dict[str, float]


@dataclass(frozen=True, slots=True)
class MissingBounds:
    """Why how far it goes has no bounds yet at a horizon, and how far that is."""

    horizon_ms: int
    detail: str
    seen_ms: int
    needed_ms: int


@dataclass(frozen=True, slots=True)
class MarketMoves:
    """The newest forecasts of how far a market goes by horizon, the shortest first, and scores.

    The first fields are as those of predictions. `bounds_missing` says of which horizons there are
    no bounds yet, why, and when there can be some.
    """

    symbol: str
    as_of_ms: int
    data_age_ms: int
    stale: bool
    stalled: bool
    target: MoveTarget
    moves: list[MoveView]
    scores: list[MoveScore]
    bounds_missing: list[MissingBounds]


class JudgedMove(msgspec.Struct, frozen=True):
    """A forecast of how far and what came of it; `realised` is null until its moment.

    Fractions of the price, as in the newest forecasts: `realised` is the move that came.
    """

    id: str
    target: MoveTarget
    close_time_ms: int
    horizon_ms: int
    made_at_ms: int | None
    for_ms: int
    move: float
    low_80: float | None
    high_80: float | None
    low_90: float | None
    high_90: float | None
    model_name: str
    model_version: str
    late: bool
    realised: float | None
    qlike: float | None
    crps: float | None
    inside_80: bool | None
    inside_90: bool | None


class MoveCame(msgspec.Struct, frozen=True):
    """What came of the forecast of this id: the move, as a fraction of the price."""

    id: str
    target: MoveTarget
    close_time_ms: int
    horizon_ms: int
    realised: float
    qlike: float | None
    crps: float | None
    inside_80: bool | None
    inside_90: bool | None


class MoveBoard:
    """Keeps the newest forecast of each target and horizon, and the newest outcomes of each."""

    def __init__(self) -> None:
        self._newest: dict[_Key, MoveForecast] = {}
        self._outcomes: dict[_Key, deque[MoveOutcome]] = {}  # that were not late
        self._newest_came_ms: dict[_Key, int] = {}
        self._scores: dict[_Key, MoveScore | None] = {}  # until the next outcome

    def said(self, forecast: MoveForecast) -> bool:
        """Show a forecast, where it is newer than what is shown; say whether it is."""
        key = (forecast.market, forecast.target, forecast.horizon_ms)
        shown = self._newest.get(key)
        if shown is not None and shown.close_time_ms >= forecast.close_time_ms:
            return False
        self._newest[key] = forecast
        return True

    def came(self, outcome: MoveOutcome) -> bool:
        """Count what came of a forecast; say whether it is news."""
        key = (outcome.market, outcome.target, outcome.horizon_ms)
        if self._newest_came_ms.get(key, -1) >= outcome.close_time_ms:
            return False
        self._newest_came_ms[key] = outcome.close_time_ms
        if outcome.late:
            return False
        self._outcomes.setdefault(key, deque(maxlen=_SCORED)).append(outcome)
        self._scores.pop(key, None)
        return True

    def horizons_ms(self, market: str, target: MoveTarget) -> list[int]:
        """Return the horizons of a market that there are forecasts of."""
        return sorted(h for m, t, h in self._newest if (m, t) == (market, target))

    def newest(
        self, market: str, target: MoveTarget, horizons_ms: Container[int] | None = None
    ) -> list[MoveView]:
        """Return the newest forecasts, the shortest horizon first."""
        return [
            view_of(self._newest[market, target, each])
            for each in self.horizons_ms(market, target)
            if horizons_ms is None or each in horizons_ms
        ]

    def scores(
        self, market: str, target: MoveTarget, horizons_ms: Container[int] | None = None
    ) -> list[MoveScore]:
        """Return how good the forecasts were of each horizon that has outcomes of a model."""
        found = [
            self._score(market, target, each)
            for each in self.horizons_ms(market, target)
            if horizons_ms is None or each in horizons_ms
        ]
        return [score for score in found if score is not None]

    def _score(self, market: str, target: MoveTarget, horizon_ms: int) -> MoveScore | None:
        key = (market, target, horizon_ms)
        if key not in self._scores:
            self._scores[key] = score_of(target, horizon_ms, self._outcomes.get(key, ()))
        return self._scores[key]


def view_of(forecast: MoveForecast) -> MoveView:
    """Return a forecast as the API shows it."""
    return MoveView(
        id=forecast.id,
        target=forecast.target,
        close_time_ms=forecast.close_time_ms,
        horizon_ms=forecast.horizon_ms,
        made_at_ms=forecast.made_at_ms or forecast.close_time_ms,
        for_ms=forecast.for_ms,
        price=forecast.price,
        move=_move(forecast.target, forecast.mean),
        **_bounds(forecast),
        baselines={name: _move(forecast.target, m) for name, m in forecast.baselines.items()},
        mean=forecast.mean,
        quantiles=list(forecast.quantiles),
        model_name=forecast.model_name,
        model_version=forecast.model_version,
        late=forecast.late,
    )


def judged_move(forecast: MoveForecast, outcome: MoveOutcome | None) -> JudgedMove:
    """Return a forecast with what came of it."""
    return JudgedMove(
        id=forecast.id,
        target=forecast.target,
        close_time_ms=forecast.close_time_ms,
        horizon_ms=forecast.horizon_ms,
        made_at_ms=forecast.made_at_ms,
        for_ms=forecast.for_ms,
        move=_move(forecast.target, forecast.mean),
        **_bounds(forecast),
        model_name=forecast.model_name,
        model_version=forecast.model_version,
        late=forecast.late,
        realised=None if outcome is None else _move(outcome.target, outcome.realised),
        qlike=None if outcome is None else outcome.qlike,
        crps=None if outcome is None else outcome.crps,
        inside_80=None if outcome is None else outcome.inside_80,
        inside_90=None if outcome is None else outcome.inside_90,
    )


def came_of(outcome: MoveOutcome) -> MoveCame:
    """Return an outcome as it is told to who follows."""
    return MoveCame(
        id=outcome.id,
        target=outcome.target,
        close_time_ms=outcome.close_time_ms,
        horizon_ms=outcome.horizon_ms,
        realised=_move(outcome.target, outcome.realised),
        qlike=outcome.qlike,
        crps=outcome.crps,
        inside_80=outcome.inside_80,
        inside_90=outcome.inside_90,
    )


def score_of(
    target: MoveTarget, horizon_ms: int, outcomes: Iterable[MoveOutcome]
) -> MoveScore | None:
    """Return how good a model was on outcomes in order of time; None where it has none."""
    rows = [
        one for one in outcomes if not one.late and one.qlike is not None and one.crps is not None
    ]
    if not rows:
        return None
    names = dict.fromkeys(name for one in rows for name in one.baselines)
    return MoveScore(
        target=target,
        horizon_ms=horizon_ms,
        outcomes=len(rows),
        effective=_effective(rows, horizon_ms),
        qlike=_mean([one.qlike or 0.0 for one in rows]),
        crps=_mean([one.crps or 0.0 for one in rows]),
        coverage_80=_mean([float(bool(one.inside_80)) for one in rows]),
        coverage_90=_mean([float(bool(one.inside_90)) for one in rows]),
        qlike_less={name: less for name in names if (less := _less(rows, name)) is not None},
    )


def _effective(rows: Sequence[MoveOutcome], horizon_ms: int) -> float:
    """Return how many horizons that do not overlap the rows are worth."""
    step_ms = min(
        (b.close_time_ms - a.close_time_ms for a, b in pairwise(rows)),
        default=horizon_ms,
    )
    return len(rows) * min(1.0, step_ms / horizon_ms)


def _less(rows: Sequence[MoveOutcome], name: str) -> float | None:
    """Return by which share the loss is less than a baseline's, of rows where both are known."""
    both = [
        (one.qlike or 0.0, other) for one in rows if (other := one.baselines.get(name)) is not None
    ]
    theirs = sum(other for _, other in both)
    return 1 - sum(ours for ours, _ in both) / theirs if theirs > 0 else None


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _bounds(forecast: MoveForecast) -> dict[str, float | None]:
    """Return the bounds of 80 and 90 %: the outermost quantiles but one, and the outermost."""
    quantiles = [_move(forecast.target, each) for each in forecast.quantiles]
    if len(quantiles) < 4:
        return dict.fromkeys(("low_80", "high_80", "low_90", "high_90"))
    return {
        "low_80": quantiles[1], "high_80": quantiles[-2],
        "low_90": quantiles[0], "high_90": quantiles[-1],
    }  # fmt: skip


def _move(target: MoveTarget, value: float) -> float:
    return sqrt(max(value, 0.0)) if target == "volatility" else value
