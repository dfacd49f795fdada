"""Which models served a market, when, and how good each has been since."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from marketstream.messages import Model
from marketstream.store.port import Store
from marketstream.store.served import Served
from marketstream.uncertainty import effective_size_of_blocks, wilson


@dataclass(frozen=True, slots=True)
class Term:
    """Since when a version was the champion, and why."""

    since_ms: int
    why: str


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A version of a model of one horizon: what it was made of, and what came of what it served.

    `validation` holds the figures of its training by name, such as the log loss of each candidate.
    It served from `first_close_ms` to `last_close_ms`, None where it did not in the range. The
    `accuracy` (0-1) is over `moved` rows, whose price moved and where it did not abstain, with its
    95 % interval `low` to `high` at `effective` independent rows; `coverage` is the share of prices
    that ended within the bounds. What is not known of a version that nobody announced is None.
    `terms` tell since when it was the champion, each time that it became it, and why.
    """

    market: str
    timeframe: str
    horizon_ms: int
    name: str | None
    version: str
    trained_at_ms: int | None
    rows: int | None
    validation: dict[str, float | None]
    first_close_ms: int | None
    last_close_ms: int | None
    outcomes: int
    abstained: int
    moved: int
    effective: float
    accuracy: float | None
    low: float | None
    high: float | None
    coverage: float | None
    terms: tuple[Term, ...] = ()


def read_track_records(store: Store, market: str, from_ms: int, to_ms: int) -> list[ModelRecord]:
    """Return the record of each version that was appointed or served in `[from_ms, to_ms)`."""
    served = store.served(market, from_ms, to_ms)
    kept = {(each.timeframe, each.horizon_ms, each.version) for each in served}
    models = [
        model
        for model in store.models(market, 0, to_ms)
        if max(model.since_ms, model.trained_at_ms) >= from_ms
        or (model.timeframe, model.horizon_ms, model.version) in kept
    ]
    return track_records(market, models, served)


def track_records(
    market: str, models: Iterable[Model], served: Iterable[Served]
) -> list[ModelRecord]:
    """Return the record of each version, by horizon, the newest first."""
    made: dict[tuple[str, int, str], Model] = {}
    terms: dict[tuple[str, int, str], list[Term]] = {}
    for model in models:
        key = (model.timeframe, model.horizon_ms, model.version)
        made[key] = model
        terms.setdefault(key, []).append(Term(model.since_ms, model.why))
    came = {(each.timeframe, each.horizon_ms, each.version): each for each in served}
    records = [
        _record(market, key, made.get(key), came.get(key), tuple(terms.get(key, ())))
        for key in {**made, **came}
    ]
    return sorted(records, key=lambda one: (one.timeframe, one.horizon_ms, -_time_ms(one)))


def accuracy_of(
    moved: Sequence[int], right: Sequence[int]
) -> tuple[float | None, float, float | None, float | None]:
    """Return the share of hits, of how many independent rows, and its 95 % interval.

    `moved` and `right` count the rows and hits of blocks of time; without rows there is none.
    """
    if not sum(moved):
        return None, 0.0, None, None
    share = sum(right) / sum(moved)
    effective = effective_size_of_blocks(right, moved)
    return share, effective, *wilson(share, effective)


def _time_ms(record: ModelRecord) -> int:
    return record.trained_at_ms or record.first_close_ms or 0


def _record(
    market: str,
    key: tuple[str, int, str],
    model: Model | None,
    served: Served | None,
    terms: tuple[Term, ...],
) -> ModelRecord:
    timeframe, horizon_ms, version = key
    moved = () if served is None else served.moved
    right = () if served is None else served.right
    accuracy, effective, low, high = accuracy_of(moved, right)
    outcomes = 0 if served is None else served.outcomes
    return ModelRecord(
        market=market,
        timeframe=timeframe,
        horizon_ms=horizon_ms,
        name=None if model is None else model.name,
        version=version,
        trained_at_ms=None if model is None else model.trained_at_ms,
        rows=None if model is None else model.rows,
        validation={} if model is None else dict(model.metrics),
        first_close_ms=None if served is None else served.first_close_ms,
        last_close_ms=None if served is None else served.last_close_ms,
        outcomes=outcomes,
        abstained=0 if served is None else served.abstained,
        moved=sum(moved),
        effective=effective,
        accuracy=accuracy,
        low=low,
        high=high,
        coverage=served.inside / outcomes if served is not None and outcomes else None,
        terms=terms,
    )
