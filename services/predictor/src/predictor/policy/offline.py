"""What the online average would have said of rows that were asked in order, as it does live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from marketstream.columns import Flags, Floats
from predictor.policy.average import Average, half_life_ms
from predictor.policy.members import Member
from predictor.training.dataset import Dataset


@dataclass(frozen=True, slots=True)
class Asked:
    """Rows and what candidates said of them, by name: one training's, until the next.

    `models` are the candidates' identities, `p_up` their probabilities of up, given a move, and
    `known` says for which rows all that a candidate reads was known.
    """

    rows: Dataset
    models: Mapping[str, str]
    p_up: Mapping[str, Floats]
    known: Mapping[str, Flags]


def ask(panel: Iterable[Member], rows: Dataset) -> Asked:
    """Ask all that take part about rows."""
    every = list(panel)
    return Asked(
        rows=rows,
        models={each.name: each.model for each in every},
        p_up={each.name: each.candidate.p_up(rows) for each in every},
        known={each.name: rows.whole(each.candidate.columns) for each in every},
    )


def averaged(parts: Sequence[Asked], fallback: Sequence[Floats]) -> Floats:
    """Return the average's probability of up for each row of the parts, which follow in time.

    An outcome counts from the moment that it was known, never before. Where no candidate could
    speak, it is what `fallback` says, part by part.
    """
    average, said = Average(), np.concatenate([*fallback, np.empty(0)])
    ends_ms: list[int] = np.concatenate([part.rows.ends_ms for part in parts]).tolist()
    ups: list[bool] = np.concatenate([part.rows.up for part in parts]).tolist()
    moved: list[bool] = np.concatenate([part.rows.moved for part in parts]).tolist()
    by_model: list[dict[str, float]] = []
    row = due = 0
    for part in parts:
        data = part.rows
        half_life = half_life_ms(data.step_ms, data.label)
        average.seat(part.models)
        columns = [
            (name, part.models[name], part.p_up[name].tolist(), part.known[name].tolist())
            for name in part.models
        ]
        for at, time_ms in enumerate(data.times_ms.tolist()):
            while due < row and ends_ms[due] <= time_ms:
                if moved[due]:
                    average.happened(
                        by_model[due], float(said[due]), up=ups[due],
                        at_ms=ends_ms[due], horizon_ms=data.horizon_ms, half_life_ms=half_life,
                    )  # fmt: skip
                due += 1
            told = {name: (model, p[at]) for name, model, p, known in columns if known[at]}
            shares = average.shares(told, ends_ms[row], half_life)
            by_model.append(dict(told.values()))
            if told:
                said[row] = sum(shares[name] * p for name, (_, p) in told.items())
            row += 1
    return said
