"""Who takes part: the references, the learner, and the learners before it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from predictor.training.candidates import Candidate, Earlier


class Member(NamedTuple):
    """A candidate under the name that it has here, and its identity, such as `lightgbm:7`."""

    name: str
    model: str
    candidate: Candidate


def panel_of(
    version: str, candidates: Iterable[Candidate], earlier: Iterable[Earlier]
) -> tuple[Member, ...]:
    """Return all that take part at a horizon: a training's candidates, and learners before it.

    Their names do not grow in number from training to training: what was the learner is called
    `lightgbm_earlier_1` after the next one, and is not called at all after the third.
    """
    found = {each.name: each for each in candidates}
    now = [Member(name, f"{name}:{version}", each) for name, each in found.items()]
    before = [
        Member(
            f"{each.candidate.name}_earlier_{age}",
            f"{each.candidate.name}:{each.version}",
            each.candidate,
        )
        for age, each in enumerate(earlier, 1)
    ]
    return (*now, *before)
