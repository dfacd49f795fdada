"""What models say of rows that come after everything they were fitted on, row by row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from marketstream.columns import Flags, Floats, Times
from predictor.policy.average import AVERAGE
from predictor.policy.choice import chosen
from predictor.policy.members import panel_of
from predictor.policy.offline import ask, averaged
from predictor.serving.abstention import Guard
from predictor.serving.intervals import Reach
from predictor.settings import PredictorSettings
from predictor.training.candidates import MOST_EARLIER, REFERENCES, Earlier
from predictor.training.dataset import Dataset
from predictor.training.fitting import Tried, try_candidates
from predictor.validation.splits import Fold, walk_forward

TOP_SHARES = (0.5, 0.2, 0.1, 0.05)

type Advanced = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class OutOfSample:
    """Columns over the rows judged, ordered by time.

    `p_up` has the probability of up, given a move, of the learner `name`, of each reference, and of
    the online average of them and the learners of the folds before, as it would have served live;
    `baselines` the signs of what the baselines said. `confident` says by share which rows the
    learner was sure of: as sure as of that share of the rows before, which were not judged.
    `answered` says where the learner did not abstain. `low` and `high` are the bounds of `ways` at
    `level`, as they would have been given live.
    """

    name: str
    level: float
    times_ms: Times
    ends_ms: Times
    returns: Floats
    ways: Floats
    spread_bps: Floats
    fold: NDArray[np.int64]
    trained_rows: NDArray[np.int64]
    p_up: dict[str, Floats]
    p_moved: Floats
    expected: Floats
    baselines: dict[str, Floats]
    confident: dict[float, Flags]
    answered: Flags
    low: Floats
    high: Floats
    move_size: Floats

    def __len__(self) -> int:
        return len(self.times_ms)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the rows of all parts."""

        def together(name: str) -> object:
            values = [getattr(part, name) for part in parts]
            if isinstance(values[0], dict):
                return {key: np.concatenate([each[key] for each in values]) for key in values[0]}
            return np.concatenate(values) if isinstance(values[0], np.ndarray) else values[0]

        return cls(**{name: together(name) for name in cls.__slots__})  # type: ignore[arg-type]


def walk(
    data: Dataset, settings: PredictorSettings, advanced: Advanced | None = None
) -> OutOfSample | None:
    """Fit the learner and the references on each fold's past and ask them about what follows.

    Everything is fitted, calibrated and given its thresholds as in a training that ends where the
    fold begins. `advanced` is told how many folds are done, of how many. None where no fold has
    enough rows.
    """
    training = settings.training
    folds = walk_forward(data, training.folds, embargo=training.embargo)
    parts, asked, fallback = [], [], []
    earlier: tuple[Earlier, ...] = ()
    for number, fold in enumerate(folds):
        tried = try_candidates(data.take(fold.train), settings)
        if tried is not None and settings.model.type in tried.candidates:
            guard = tried.guard(settings.model.type, data.take(fold.train), settings)
            parts.append(_ask(tried, guard, data, fold, number, settings))
            champion = chosen(tuple(tried.candidates), tried.scores, settings.model)
            panel = panel_of(str(number), tried.candidates.values(), earlier)
            asked.append(ask(panel, data.take(fold.test)))
            fallback.append(asked[-1].p_up[champion])
            learner = Earlier(str(number), tried.candidates[settings.model.type])
            earlier = (learner, *earlier)[:MOST_EARLIER]
        if advanced is not None:
            advanced(number + 1, len(folds))
    if not parts:
        return None
    rows = OutOfSample.joined(parts)
    rows.p_up[AVERAGE] = averaged(asked, fallback)
    return _with_reach(rows)


def _ask(
    tried: Tried, guard: Guard, data: Dataset, fold: Fold, number: int, settings: PredictorSettings
) -> OutOfSample:
    asked, name = data.take(fold.test), settings.model.type
    unsure = np.full(len(asked), 0.5)
    p_up = dict.fromkeys(REFERENCES, unsure) | {
        each: candidate.up.probability(asked.columns(candidate.columns))
        for each, candidate in tried.candidates.items()
    }
    p_moved = tried.moves.probability(asked.columns(tried.move_columns))
    expected = p_moved * (2 * p_up[name] - 1) * tried.move_size
    low, high = tried.bounds(name, settings.interval_level)
    sure, before = np.abs(2 * p_up[name] - 1), np.abs(2 * tried.said[name] - 1)
    return OutOfSample(
        name=name,
        level=settings.interval_level,
        times_ms=asked.times_ms,
        ends_ms=asked.ends_ms,
        returns=asked.returns,
        ways=asked.ways,
        spread_bps=asked.spread_bps,
        fold=np.full(len(asked), number),
        trained_rows=np.full(len(asked), np.count_nonzero(fold.train)),
        p_up=p_up,
        p_moved=p_moved,
        expected=expected,
        baselines={
            "majority": np.full(len(asked), 1.0 if tried.majority == "up" else -1.0),
            "persistence": np.sign(asked.previous),
            "reversal": -np.sign(asked.previous),
        },
        confident={share: sure >= np.quantile(before, 1 - share) for share in TOP_SHARES},
        answered=guard.answered(asked, sure) & (p_up[name] != 0.5),
        low=np.full(len(asked), low),
        high=np.full(len(asked), high),
        move_size=np.full(len(asked), tried.move_size),
    )


def _with_reach(rows: OutOfSample) -> OutOfSample:
    """Return the rows with bounds that reach as far as the outcomes known by then had them."""
    reach, due = Reach(), 0
    low, high = np.empty(len(rows)), np.empty(len(rows))
    times, ends = rows.times_ms.tolist(), rows.ends_ms.tolist()
    ways, expected = rows.ways.tolist(), rows.expected.tolist()
    for row, time_ms in enumerate(times):
        while due < row and ends[due] <= time_ms:
            reach.happened(ways[due], expected[due], low[due], high[due], rows.level)
            due += 1
        bounds = reach.bounds(rows.low[row], rows.high[row], rows.move_size[row])
        low[row], high[row] = expected[row] + bounds[0], expected[row] + bounds[1]
    return replace(rows, low=low, high=high)
