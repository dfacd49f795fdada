"""The only splitter: by time, the earlier rows purged of all whose outcome reaches into the later.

Purging and embargo are those of Lopez de Prado (Advances in Financial Machine Learning, 2018, ch.
7), for walking forward: nothing is ever learnt from rows after those that judge.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np

from marketstream.columns import Flags, Times
from predictor.training.dataset import Dataset


class Timed(Protocol):
    """Rows in order of the times they are decided at, and when the outcome of each was known."""

    def __len__(self) -> int: ...
    @property
    def times_ms(self) -> Times: ...  # noqa: D102
    @property
    def ends_ms(self) -> Times: ...  # noqa: D102
    @property
    def step_ms(self) -> int: ...  # noqa: D102


class Fold(NamedTuple):
    """Rows to learn from, and later rows to judge by, from `begin_ms` on."""

    train: Flags
    test: Flags
    begin_ms: int


def latest(data: Dataset, share: float, *, embargo: int = 0) -> Fold:
    """Split off the latest share of time; `embargo` is in closes, see `walk_forward`."""
    first, last = int(data.times_ms[0]), int(data.times_ms[-1])
    begin_ms = first + (last - first) * (1 - share)
    return Fold(_before(data, begin_ms, embargo), data.times_ms >= begin_ms, int(begin_ms))


def walk_forward(data: Timed, folds: int, *, first: float = 0.5, embargo: int = 0) -> list[Fold]:
    """Return folds that go forward in time, each judged by what follows on all it learns from.

    The first `first` of the rows only learn; the rest is cut into `folds` with as many rows each,
    at moments in time. A row is learnt from where its outcome was known `embargo` closes before the
    judging begins, so that features that look back find nothing of it. Folds without a row on
    either side are left out.
    """
    if len(data) == 0:
        return []
    cuts = np.linspace(first * len(data), len(data), folds + 1).astype(int)[:-1]
    begins = [*np.unique(data.times_ms[cuts]).tolist(), int(data.times_ms[-1]) + 1]
    found = [
        Fold(
            _before(data, begin_ms, embargo),
            (data.times_ms >= begin_ms) & (data.times_ms < end_ms),
            begin_ms,
        )
        for begin_ms, end_ms in pairwise(begins)
    ]
    return [fold for fold in found if fold.train.any() and fold.test.any()]


def _before(data: Timed, begin_ms: float, embargo: int) -> Flags:
    return data.ends_ms + embargo * data.step_ms <= begin_ms
