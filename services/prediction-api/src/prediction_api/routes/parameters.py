"""What may stand behind the `?` of a URL: what a route knows, and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Annotated, Any

from fastapi import Query, Request, Response
from fastapi.dependencies.models import Dependant

from marketstream.errors import SettingsError
from marketstream.messages import MoveTarget
from marketstream.plan import Plan
from marketstream.timeframes import duration_ms, horizon_ms
from prediction_api.routes.answers import problem
from prediction_api.views.feed import is_event_id
from prediction_api.views.moves import TARGETS

Horizons = Annotated[
    list[str] | None,
    Query(description="a number of candles, such as 2, or a time, such as 2s; may be repeated"),
]
Timeframe = Annotated[str | None, Query(description="the timeframe that is predicted, such as 1s")]
Target = Annotated[
    str | None,
    Query(
        description="what is predicted: direction (unless said otherwise), or how far the price "
        "goes, as volatility or range"
    ),
]
_LONGEST = 24
MOMENT = "a time such as 2026-11-22T03:00Z, milliseconds since 1970, or so long ago, as in 90m"


class BadParameterError(Exception):
    """A parameter that a route does not have, or whose value makes no sense; says which do."""


def only_known(request: Request) -> None:
    """Refuse parameters that the route does not have; raises BadParameterError.

    What stands behind a page's `?` is for the page to read.
    """
    route: Any = request.scope["route"]
    if not route.include_in_schema:
        return
    check_known(request.query_params, _parameters(route.dependant))


def check_known(names: Iterable[str], known: Sequence[str]) -> None:
    """Refuse names of parameters that are not known; raises BadParameterError."""
    for name in names:
        if name not in known:
            there = f"there is {' and '.join(known)}" if known else "there is none here"
            raise BadParameterError(f"no such parameter: {name}; {there}")


def check_timeframe(plan: Plan, timeframe: str | None) -> None:
    """Refuse a timeframe that is not predicted; raises BadParameterError."""
    if timeframe not in {None, plan.timeframe}:
        raise BadParameterError(f"timeframe {timeframe} is not predicted: {plan.timeframe} is")


def asked_move(target: str | None) -> MoveTarget | None:
    """Return which target beside direction is asked for; BadParameterError for an unknown one."""
    if target in {None, "direction"}:
        return None
    for known in TARGETS:
        if target == known:
            return known
    known_ones = ", ".join(("direction", *TARGETS))
    raise BadParameterError(f"target {target} is not predicted: {known_ones} are")


def asked_move_horizons_ms(plan: Plan, horizons: Sequence[str] | None) -> frozenset[int] | None:
    """Return horizons in ms, None for all; which are forecast, the settings of another part say."""
    return None if horizons is None else frozenset(_horizon_ms(plan, text) for text in horizons)


def check_forecast(target: str, asked_ms: Collection[int], horizons_ms: Collection[int]) -> None:
    """Refuse horizons of none of which it is forecast how far; raises BadParameterError."""
    if not any(each in horizons_ms for each in asked_ms):
        asked, known = (
            ", ".join(f"{ms / 1_000:g}s" for ms in sorted(each)) for each in (asked_ms, horizons_ms)
        )
        raise BadParameterError(f"horizon {asked}: {target} is forecast {known} ahead")


def check_event_id(after: str | None) -> None:
    """Refuse to go on after what is no event; raises BadParameterError."""
    if after is not None and not is_event_id(after):
        raise BadParameterError(f"{after} is no id of an event here")


def asked_horizons_ms(plan: Plan, horizons: Sequence[str] | None) -> frozenset[int] | None:
    """Return horizons in ms, None for all; raises BadParameterError for what is not predicted."""
    if horizons is None:
        return None
    return frozenset(asked_horizon_ms(plan, text) for text in horizons)


def asked_horizon_ms(plan: Plan, text: str) -> int:
    """Return a horizon in ms; raises BadParameterError for what is not predicted."""
    asked_ms = _horizon_ms(plan, text)
    if asked_ms not in plan.horizons_ms:
        known = ", ".join(f"{ms / 1_000:g}s" for ms in plan.horizons_ms)
        raise BadParameterError(f"horizon {text} is not predicted: {known} are")
    return asked_ms


async def bad_parameter(_request: Request, error: Exception) -> Response:
    """Answer BadParameterError."""
    return problem(422, "Bad parameter", str(error))


def _parameters(of: Dependant) -> list[str]:
    """Return what stands behind the `?` of a route, and of whatever it depends on."""
    own = [parameter.alias for parameter in of.query_params]
    return own + [name for each in of.dependencies for name in _parameters(each)]


def _horizon_ms(plan: Plan, text: str) -> int:
    if len(text) > _LONGEST:  # of thousands of digits Python makes no number
        raise BadParameterError(f"horizon {text[:_LONGEST]}... is too long: write 2, or 2s")
    try:
        if text.isdecimal():
            return horizon_ms(int(text), plan.timeframe)
        return duration_ms(text)
    except SettingsError as error:
        raise BadParameterError(f"horizon {text}: {error}") from error
