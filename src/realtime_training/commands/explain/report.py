"""One prediction explained, on a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from marketstream.explanation import Explanation, Terms
from marketstream.messages import Candle
from marketstream.moments import iso
from realtime_training.commands.explain.rebuilding import Answers, Rebuilt

_SHOWN = 8  # features of a candidate, those that add most
_NOT_KNOWN = "-"


def print_explanation(
    told: Explanation, features: Rebuilt, answers: Answers | None, unanswered: Rebuilt | None
) -> None:
    """Print all of it; `unanswered` says why there are no answers."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(told.id)
    for name, line in _lines(told):
        console.print(f"  {name:11} {line}")
    if told.prediction.candidates:
        console.print(_candidates(told))
    if answers is not None:
        values = {} if told.features is None else told.features.values
        for name, taken in answers.candidates.items():
            console.print(f"{name}: log odds {taken.log_odds:+.4f}")
            for line in _terms(taken, values):
                console.print(f"  {line}")
    console.print(f"features from stored candles: {_rebuilt(features)}")
    again = unanswered if answers is None else answers.rebuilt
    if again is not None:
        console.print(f"answers by the registered model: {_rebuilt(again)}")


def _lines(told: Explanation) -> Iterator[tuple[str, str]]:
    said, moments = told.prediction, told.moments
    yield "closed", f"{iso(moments.closed_ms)}, mid {said.mid:g}, last {said.close:g}"
    yield "answered", f"{_time(moments.made_at_ms)}{_latency(moments.latency_us)}"
    yield "about", f"{iso(moments.starts_ms)} to {iso(moments.ends_ms)}"
    why = f" ({said.reason})" if said.reason else ""
    odds = f"up {said.p_up:.4f}, flat {said.p_flat:.4f}, down {said.p_down:.4f}"
    bounds = f"{said.predicted_price:g} [{said.low:g}, {said.high:g}] at {said.level:.0%}"
    yield "said", f"{said.direction}{why}: {odds}; {bounds}"
    if told.outcome is not None:
        yield "came", f"{told.outcome.verdict}: {told.outcome.realised_mid:g}"
    if told.model is not None:
        model = told.model
        trained = f"trained {_time(model.trained_at_ms)} of {model.rows:,} rows"
        serving = f"since {_time(model.since_ms)} ({model.why})"
        yield "champion", f"{model.name} version {model.version}, {trained}, {serving}"
    if told.candle is not None:
        yield "candle", _candle(told.candle)
    yield from told.missing.items()


def _terms(taken: Terms, values: Mapping[str, float | None]) -> Iterator[str]:
    if taken.features is None:
        yield "this kind of model cannot be taken apart"
        return
    yield f"{taken.base:+.4f} whatever is known"
    most = sorted(taken.features.items(), key=lambda each: -abs(each[1]))
    for feature, added in most[:_SHOWN]:
        value = values.get(feature)
        yield f"{added:+.4f} {feature} = {_NOT_KNOWN if value is None else f'{value:.6g}'}"
    if most[_SHOWN:]:
        yield f"{sum(added for _, added in most[_SHOWN:]):+.4f} the other {len(most[_SHOWN:])}"


def _candidates(told: Explanation) -> Table:
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("candidate")
    table.add_column("model")
    for name in ("up, given a move", "weight"):
        table.add_column(name, justify="right")
    by_weight = sorted(told.prediction.candidates.items(), key=lambda each: -each[1].weight)
    for name, said in by_weight:
        table.add_row(name, said.model, f"{said.p_up:.4f}", f"{said.weight:.3f}")
    return table


def _candle(candle: Candle) -> str:
    book = "no book"
    if candle.bid is not None and candle.ask is not None:
        book = (
            f"bid {candle.bid:g} ({candle.bid_quantity or 0:g}), "
            f"ask {candle.ask:g} ({candle.ask_quantity or 0:g})"
        )
    return (
        f"{candle.open:g} {candle.high:g} {candle.low:g} {candle.close:g}, volume "
        f"{candle.volume:g} in {candle.trade_count:,} trades; {book}"
    )


def _rebuilt(rebuilt: Rebuilt) -> str:
    if rebuilt.equal is None:
        return str(rebuilt.reason)
    if rebuilt.equal:
        return f"equal to what was stored (differ by {rebuilt.largest_difference:.1e} at most)"
    told = "" if rebuilt.reason is None else f": {rebuilt.reason}"
    return f"DIFFERENT by {rebuilt.largest_difference:.1e}{told}"


def _time(time_ms: int | None) -> str:
    return _NOT_KNOWN if time_ms is None else iso(time_ms)


def _latency(latency_us: int | None) -> str:
    return "" if latency_us is None else f", {latency_us / 1_000:.1f} ms after receipt"
