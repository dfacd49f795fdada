"""How often predictions were right, stretch of time by stretch of time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from marketstream.store.port import Store
from marketstream.store.served import Served
from marketstream.timeframes import stretches
from marketstream.track_record import accuracy_of


@dataclass(frozen=True, slots=True)
class AccuracyOfStretch:
    """What came of predictions of a horizon at closes in `[from_ms, to_ms)`.

    The `accuracy` (0-1) is over `moved` rows, whose price moved and where the model did not
    abstain, with its 95 % interval `low` to `high` at `effective` independent rows, None where
    there are none; `coverage` is the share of prices that ended within the bounds. `versions` are
    those that served, in order.
    """

    horizon_ms: int
    from_ms: int
    to_ms: int
    outcomes: int
    abstained: int
    flat: int
    moved: int
    effective: float
    accuracy: float | None
    low: float | None
    high: float | None
    coverage: float
    versions: list[str]


def read_accuracy(
    store: Store, market: str, timeframe: str, from_ms: int, to_ms: int, every_ms: int
) -> list[AccuracyOfStretch]:
    """Return the accuracy of each horizon by stretches of `every_ms`, those with outcomes.

    Stretches begin at multiples of their length since 1970; the first and the last may be cut.
    """
    found = []
    for since_ms, until_ms in stretches(from_ms, to_ms, every_ms):
        by_horizon = defaultdict(list)
        for served in store.served(market, since_ms, until_ms):
            if served.timeframe == timeframe:
                by_horizon[served.horizon_ms].append(served)
        found += [
            _accuracy(horizon_ms, since_ms, until_ms, by_horizon[horizon_ms])
            for horizon_ms in sorted(by_horizon)
        ]
    return found


def _accuracy(
    horizon_ms: int, from_ms: int, to_ms: int, served: Iterable[Served]
) -> AccuracyOfStretch:
    in_turn = sorted(served, key=lambda one: one.first_close_ms)
    moved = [count for one in in_turn for count in one.moved]
    right = [count for one in in_turn for count in one.right]
    outcomes = sum(one.outcomes for one in in_turn)
    share, effective, low, high = accuracy_of(moved, right)
    return AccuracyOfStretch(
        horizon_ms=horizon_ms,
        from_ms=from_ms,
        to_ms=to_ms,
        outcomes=outcomes,
        abstained=sum(one.abstained for one in in_turn),
        flat=sum(one.flat for one in in_turn),
        moved=sum(moved),
        effective=effective,
        accuracy=share,
        low=low,
        high=high,
        coverage=sum(one.inside for one in in_turn) / outcomes,
        versions=[one.version for one in in_turn],
    )
