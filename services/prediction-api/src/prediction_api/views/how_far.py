"""What forecasts of how far still lack, in words: the first of a market, and bounds."""

from __future__ import annotations

from marketstream.messages import HowFar, MoveTarget
from prediction_api.views.moves import MissingBounds, MoveView

_MINUTE_MS = 60_000


def lacking(how_far: HowFar | None, target: MoveTarget) -> str:
    """Return what the first forecast of a target waits for."""
    if how_far is None or target not in how_far.targets:
        return (
            f"no {target} is forecast here: `moves` in the settings of the predictor says of which "
            "targets and horizons it is"
        )
    seen_ms, needed_ms = how_far.seen_ms, how_far.first_ms
    if seen_ms is None:
        return "no price to go by seen yet; it is known with the first best bid and ask"
    if seen_ms < needed_ms:
        return (
            f"{seen_ms // 1_000} of {needed_ms // 1_000} s of known prices seen before the first "
            f"{target} is forecast, in about {_span(needed_ms - seen_ms)}"
        )
    horizons = ", ".join(_span(each) for each in how_far.bounds_ms)
    return (
        f"the first {target} is forecast once the price has moved, with the next of the closes "
        f"that it is forecast at; its horizons are {horizons}"
    )


def missing_bounds(how_far: HowFar | None, moves: list[MoveView]) -> list[MissingBounds]:
    """Return of which moves there are no bounds yet, and when there can be some."""
    if how_far is None:
        return []
    return [
        _missing(each.horizon_ms, how_far.seen_ms or 0, how_far.bounds_ms[each.horizon_ms])
        for each in moves
        if not each.quantiles and each.horizon_ms in how_far.bounds_ms
    ]


def _missing(horizon_ms: int, seen_ms: int, needed_ms: int) -> MissingBounds:
    left_ms = needed_ms - seen_ms
    when = f"in about {_span(left_ms)}" if left_ms > 0 else "after the next closes"
    detail = (
        f"bounds come with a model, which can be fitted {when}: "
        f"{_span(min(seen_ms, needed_ms))} of {_span(needed_ms)} of known prices seen"
    )
    return MissingBounds(horizon_ms, detail, seen_ms, needed_ms)


def _span(ms: int) -> str:
    """Return a time in words, a minute and longer in whole minutes, as long as it takes."""
    if ms < _MINUTE_MS:
        return f"{-(-ms // 1_000)} s"
    return f"{-(-ms // _MINUTE_MS)} min"
