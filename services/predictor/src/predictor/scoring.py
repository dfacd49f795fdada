"""How good predictions were, said with the uncertainty that overlapping outcomes leave."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from math import sqrt
from typing import NamedTuple

import msgspec
import numpy as np

from marketstream.messages import Outcome, Prediction
from predictor.operator import BASELINES

_Z95 = 1.959963984540054
_HORIZONS_PER_BLOCK = 3


class Score(msgspec.Struct, frozen=True):
    """Figures of one horizon; accuracies are fractions 0-1, None where nothing was counted.

    `accuracy` is over moved rows where the model did not abstain, `accuracy_all` counts zero moves
    as wrong, `low` and `high` bound `accuracy` at 95 % with `effective` independent rows. Baselines
    and references are measured on those same rows; one that said nothing there counts as wrong.
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


class _Row(NamedTuple):
    time_ms: int
    verdict: str
    close_verdict: str
    inside: bool
    answers: Mapping[str, str]


class Scoreboard:
    """Counts the predictions of one market and scores the newest `most` outcomes by horizon."""

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self._predictions: dict[int, int] = {}
        self._abstentions: dict[int, int] = {}
        self._rows: dict[int, deque[_Row]] = {}

    def predicted(self, prediction: Prediction) -> None:
        """Count a prediction."""
        horizon_ms = prediction.horizon_ms
        self._predictions[horizon_ms] = self._predictions.get(horizon_ms, 0) + 1
        abstained = prediction.direction == "abstain"
        self._abstentions[horizon_ms] = self._abstentions.get(horizon_ms, 0) + abstained

    def happened(self, outcome: Outcome) -> None:
        """Add an outcome."""
        rows = self._rows.setdefault(outcome.horizon_ms, deque(maxlen=self._most))
        rows.append(
            _Row(
                outcome.close_time_ms,
                outcome.verdict,
                outcome.close_verdict,
                outcome.inside,
                outcome.baselines,
            )
        )

    def score(self, horizon_ms: int) -> Score:
        """Return the figures of one horizon."""
        rows = self._rows.get(horizon_ms, ())
        told = [row for row in rows if row.verdict != "abstained"]
        moved = [row for row in told if row.verdict != "flat"]
        hits = np.array([row.verdict == "right" for row in moved], np.float64)
        blocks = [row.time_ms // (_HORIZONS_PER_BLOCK * horizon_ms) for row in moved]
        effective = effective_size(hits, blocks)
        accuracy = float(hits.mean()) if moved else None
        low, high = (None, None) if accuracy is None else wilson(accuracy, effective)
        others = _shares(moved)
        close_moved = [row for row in told if row.close_verdict != "flat"]
        return Score(
            predictions=self._predictions.get(horizon_ms, 0),
            outcomes=len(rows),
            abstentions=self._abstentions.get(horizon_ms, 0),
            moved=len(moved),
            effective=effective,
            accuracy=accuracy,
            low=low,
            high=high,
            accuracy_all=float(hits.sum()) / len(told) if told else None,
            close_accuracy=_share([row.close_verdict == "right" for row in close_moved]),
            coverage=_share([row.inside for row in rows]),
            baselines={name: share for name, share in others.items() if name in BASELINES},
            references={name: share for name, share in others.items() if name not in BASELINES},
        )


def wilson(share: float, size: float) -> tuple[float, float]:
    """Return the 95 % interval of a share by Wilson (1927) at `size` independent rows."""
    spread = _Z95**2 / size
    centre = (share + spread / 2) / (1 + spread)
    half = _Z95 * sqrt(share * (1 - share) / size + spread / (4 * size)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def effective_size(hits: np.ndarray, blocks: Sequence[int]) -> float:
    """Return how many independent rows say as much as these, whose outcomes overlap.

    The variance of the mean is estimated from sums over blocks of time that are at least three
    horizons long (cluster-robust, Liang and Zeger 1986); never more than there are rows.
    """
    size = len(hits)
    if size == 0:
        return 0.0
    share = float(hits.mean())
    _, block = np.unique(np.asarray(blocks), return_inverse=True)
    count = int(block.max()) + 1
    if count == 1 or share in (0.0, 1.0):
        return float(count)
    sums = np.bincount(block, weights=hits - share)
    variance = float((sums**2).sum()) / size**2 * count / (count - 1)
    return min(float(size), share * (1 - share) / variance) if variance > 0 else float(size)


def _shares(rows: Sequence[_Row]) -> dict[str, float]:
    names = dict.fromkeys(name for row in rows for name in row.answers)
    return {
        name: sum(row.answers.get(name) == "right" for row in rows) / len(rows) for name in names
    }


def _share(flags: Sequence[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None
