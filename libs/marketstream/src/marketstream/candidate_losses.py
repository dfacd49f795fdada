"""The log loss of each candidate on the newest outcomes, beside that of what was served."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from math import isnan, log, nan

import msgspec
import numpy as np

from marketstream.messages import Outcome, Prediction

SERVED = "served"
_SURE = 1e-6  # what is closer to 0 counts as this
_WAITING = 2_000  # predictions whose outcome is to come


class CandidateLoss(msgspec.Struct, frozen=True):
    """The mean log loss of up against down, on the moved rows at which a candidate spoke.

    `ahead` is by how much it is less than that of what was served on the same rows.
    """

    rows: int
    log_loss: float
    ahead: float


class CandidateLosses:
    """Scores what each candidate of one market and horizon said, on the newest `most` moves."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._said: dict[int, Mapping[str, float]] = {}
        self._losses: dict[str, array[float]] = {SERVED: array("d")}

    def predicted(self, prediction: Prediction) -> None:
        """Remember what was said until its outcome comes."""
        moves = prediction.p_up + prediction.p_down
        if not prediction.candidates or not moves:
            return
        said = {name: one.p_up for name, one in prediction.candidates.items()}
        self._said[prediction.close_time_ms] = said | {SERVED: prediction.p_up / moves}
        if len(self._said) > _WAITING:
            del self._said[next(iter(self._said))]

    def happened(self, outcome: Outcome) -> None:
        """Score what was said at a close; nothing is learnt where the price did not move."""
        said = self._said.pop(outcome.close_time_ms, None)
        if said is None or not outcome.realised_return:
            return
        rows = len(self._losses[SERVED])
        if rows == 2 * self._most:
            rows = self._most
            for losses in self._losses.values():
                del losses[: self._most]
        for name in said:
            if name not in self._losses:
                self._losses[name] = array("d", [nan]) * rows
        for name, losses in self._losses.items():
            p_up = said.get(name, nan)
            losses.append(_loss(p_up if outcome.realised_return > 0 else 1 - p_up))

    def losses(self) -> dict[str, CandidateLoss]:
        """Return the losses by name, the least first."""
        columns = {name: np.array(kept[-self._most :]) for name, kept in self._losses.items()}
        served = columns[SERVED]
        found = {}
        for name, column in columns.items():
            spoke = ~np.isnan(column)
            if spoke.any():
                ahead = float((served - column)[spoke].mean())
                found[name] = CandidateLoss(int(spoke.sum()), float(column[spoke].mean()), ahead)
        return dict(sorted(found.items(), key=lambda each: each[1].log_loss))


def _loss(p: float) -> float:
    return nan if isnan(p) else -log(max(_SURE, p))
