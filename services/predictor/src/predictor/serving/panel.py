"""All candidates of a model asked about one feature vector, and what is served of their answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from marketstream.messages import Said
from predictor.serving.forecast import row_of
from predictor.settings import Serve
from predictor.training.fitting import TrainedModel

type Shares = Callable[[Collection[str]], Mapping[str, float]]
"""The weights of these candidates in their average, which sum to 1."""


class Heard(NamedTuple):
    """What was said: `p_up` is served, and `known` is whether who serves it knew its features.

    `candidates` are all that knew theirs. `beside` has the probabilities of this training's, also
    of those that lacked some, but for the one who serves alone: earlier learners are not there on
    all rows, and their scores could not be held against the others'.
    """

    p_up: float
    known: bool
    candidates: dict[str, Said]
    beside: dict[str, float]


class Panel:
    """The candidates of a model; the average of them serves, or its champion alone.

    `models` has their identities by name. Those that read the same columns are given one row.
    """

    def __init__(self, model: TrainedModel, serve: Serve) -> None:
        self._champion = model.champion.name if serve == "champion" else None
        self._fallback = model.champion.name
        self._rows = list(dict.fromkeys(each.candidate.columns for each in model.members))
        self._members = [
            (
                each.name,
                each.model,
                self._rows.index(each.candidate.columns),
                each.candidate.up.probability_of,
            )
            for each in model.members
        ]
        self.models = {each.name: each.model for each in model.members}
        references = {each.name for each in model.references}
        alone = None if self._champion in references else self._champion
        now = self._members[: len(self._members) - len(model.earlier)]
        self._beside = [name for name, *_ in now if name != alone]

    def hear(self, values: Mapping[str, float | None], shares: Shares) -> Heard:
        """Ask all about a vector; where nobody knows enough, what is served is the champion's."""
        rows = [row_of(columns, values) for columns in self._rows]
        said, awake = {}, {}
        for name, model, which, probability_of in self._members:
            row, known = rows[which]
            said[name] = p_up = probability_of(row)
            if known:
                awake[name] = p_up, model
        if self._champion is None:
            weights = shares(awake)
            knows = bool(awake)
            p_up = said[self._fallback]
            if knows:
                p_up = sum(weights[name] * p for name, (p, _) in awake.items())
        else:
            weights = {name: float(name == self._champion) for name in awake}
            knows, p_up = self._champion in awake, said[self._champion]
        candidates = {name: Said(p, weights[name], model) for name, (p, model) in awake.items()}
        beside = {name: said[name] for name in self._beside}
        return Heard(p_up, knows, candidates, beside)
