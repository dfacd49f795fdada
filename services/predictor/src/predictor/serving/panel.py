"""All candidates of a model asked about one feature vector, and what is served of their answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from marketstream.messages import Said
from predictor.serving.forecast import knows, probability
from predictor.settings import Serve
from predictor.training.fitting import TrainedModel

type Shares = Callable[[Collection[str]], Mapping[str, float]]
"""The weights of these candidates in their average, which sum to 1."""


class Heard(NamedTuple):
    """What was said: `p_up` is served, and `known` is whether who serves it knew its features.

    `candidates` are all that knew theirs; `beside` has the probabilities of all but who serves
    alone, also of those that lacked some.
    """

    p_up: float
    known: bool
    candidates: dict[str, Said]
    beside: dict[str, float]


class Panel:
    """The candidates of a model; the average of them serves, or its champion alone."""

    def __init__(self, model: TrainedModel, serve: Serve) -> None:
        self._champion = model.champion.name if serve == "champion" else None
        self._fallback = model.champion.name
        self._members = model.members
        references = {each.name for each in model.references}
        alone = () if self._champion in references else (self._champion,)
        self._beside = [each.name for each in self._members if each.name not in alone]

    @property
    def models(self) -> dict[str, str]:
        """The identities of the candidates by name."""
        return {each.name: each.model for each in self._members}

    def hear(self, values: Mapping[str, float | None], shares: Shares) -> Heard:
        """Ask all about a vector; where nobody knows enough, what is served is the champion's."""
        said = {each.name: probability(each.candidate, values) for each in self._members}
        awake = [each for each in self._members if knows(each.candidate, values)]
        names = [each.name for each in awake]
        if self._champion is None:
            weights = shares(names)
        else:
            weights = {name: float(name == self._champion) for name in names}
        p_up, known = said[self._fallback], bool(names)
        if self._champion is not None:
            known = self._champion in weights
        elif names:
            p_up = sum(weights[name] * said[name] for name in names)
        return Heard(
            p_up,
            known,
            {m.name: Said(said[m.name], weights[m.name], m.model) for m in awake},
            {name: said[name] for name in self._beside},
        )
