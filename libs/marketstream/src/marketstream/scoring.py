"""How good predictions were, said with the uncertainty that overlapping outcomes leave."""

from __future__ import annotations

from array import array
from collections import Counter
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from marketstream.columns import Floats, Times
from marketstream.messages import Outcome, Prediction, Verdict
from marketstream.uncertainty import HORIZONS_PER_BLOCK, effective_size, wilson

__all__ = ["Score", "Scoreboard", "effective_size", "wilson"]

BASELINES = ("majority", "persistence", "reversal")
"""What every model has to beat; other names among an outcome's answers are reference models."""

_ANSWERED = "answered "
_CODES: dict[Verdict, int] = {"abstained": 0, "flat": 1, "wrong": 2, "right": 3}


class Score(msgspec.Struct, frozen=True):
    """Figures of one horizon; accuracies are fractions 0-1, None where nothing was counted.

    `accuracy` is over moved rows where the model did not abstain, `accuracy_all` counts zero moves
    as wrong, `low` and `high` bound `accuracy` at 95 % with `effective` independent rows. Baselines
    and references are measured on those same rows; where one said nothing it counts as half right,
    like a coin: counted wrong, it would make any model look better than it.
    `close_accuracy` is against the last trade's price, which bounces: for comparison only.
    """

    predictions: int
    outcomes: int
    abstentions: int
    moved: int
    effective: float
    accuracy: float | None
    low: float | None
    high: float | None
    accuracy_all: float | None
    close_accuracy: float | None
    coverage: float | None
    baselines: dict[str, float]
    references: dict[str, float]


class _Outcomes:
    """The newest outcomes of one horizon, in columns: a byte for each verdict."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._times = array("q")
        self._columns: dict[str, array[int]] = {}

    def append(self, outcome: Outcome) -> None:
        if len(self._times) == 2 * self._most:
            for column in (self._times, *self._columns.values()):
                del column[: self._most]
        codes = {_ANSWERED + name: _CODES[said] for name, said in outcome.baselines.items()}
        codes["verdict"] = _CODES[outcome.verdict]
        codes["close_verdict"] = _CODES[outcome.close_verdict]
        codes["inside"] = outcome.inside
        for name in codes:
            if name not in self._columns:  # a reference that was not there before
                self._columns[name] = array("b", bytes(len(self._times)))
        self._times.append(outcome.close_time_ms)
        for name, column in self._columns.items():
            column.append(codes.get(name, _CODES["abstained"]))

    def taken(self) -> tuple[Times, dict[str, NDArray[np.int8]]]:
        """Return times and columns; copies, since an array that is looked at cannot grow."""
        columns = {
            name: np.array(column[-self._most :], np.int8) for name, column in self._columns.items()
        }
        return np.array(self._times[-self._most :], np.int64), columns


class Scoreboard:
    """Counts the predictions of one market and scores the newest `most` outcomes by horizon."""

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self._predictions: Counter[int] = Counter()
        self._abstentions: Counter[int] = Counter()
        self._outcomes: dict[int, _Outcomes] = {}

    def predicted(self, prediction: Prediction) -> None:
        """Count a prediction."""
        self._predictions[prediction.horizon_ms] += 1
        self._abstentions[prediction.horizon_ms] += prediction.direction == "abstain"

    def happened(self, outcome: Outcome) -> None:
        """Add an outcome."""
        outcomes = self._outcomes.get(outcome.horizon_ms)
        if outcomes is None:
            outcomes = self._outcomes[outcome.horizon_ms] = _Outcomes(self._most)
        outcomes.append(outcome)

    def score(self, horizon_ms: int) -> Score:
        """Return the figures of one horizon."""
        times, columns = self._outcomes.get(horizon_ms, _Outcomes(self._most)).taken()
        nothing = np.zeros(0, np.int8)
        verdict = columns.get("verdict", nothing)
        told = verdict != _CODES["abstained"]
        moved = told & (verdict != _CODES["flat"])
        hits = _credit(verdict[moved])
        effective = effective_size(hits, times[moved] // (HORIZONS_PER_BLOCK * horizon_ms))
        accuracy = _mean(hits)
        low, high = (None, None) if accuracy is None else wilson(accuracy, effective)
        close = columns.get("close_verdict", nothing)
        others = {
            name.removeprefix(_ANSWERED): float(_credit(column[moved]).mean())
            for name, column in columns.items()
            if name.startswith(_ANSWERED) and len(hits)
        }
        return Score(
            predictions=self._predictions[horizon_ms],
            outcomes=len(times),
            abstentions=self._abstentions[horizon_ms],
            moved=len(hits),
            effective=effective,
            accuracy=accuracy,
            low=low,
            high=high,
            accuracy_all=float(hits.sum() / told.sum()) if told.any() else None,
            close_accuracy=_mean(_credit(close[told & (close != _CODES["flat"])])),
            coverage=_mean(columns.get("inside", nothing)),
            baselines={name: share for name, share in others.items() if name in BASELINES},
            references={name: share for name, share in others.items() if name not in BASELINES},
        )


def _credit(codes: NDArray[np.int8]) -> Floats:
    """Return 1 for right, 0 for wrong and one half for having said nothing."""
    credit = (codes == _CODES["right"]) + 0.5 * (codes == _CODES["abstained"])
    return np.asarray(credit, np.float64)


def _mean(values: NDArray[Any]) -> float | None:
    return float(values.mean()) if len(values) else None
