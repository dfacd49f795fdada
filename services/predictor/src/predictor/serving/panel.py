"""All candidates of a model asked about one feature vector, and what is served of their answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from marketstream.messages import Said
from predictor.policy.members import Member
from predictor.serving.forecast import Rows
from predictor.settings import Serve
from predictor.training.correction import Corrected
from predictor.training.fitting import TrainedModel

type Shares = Callable[[Collection[str]], Mapping[str, float]]
"""The weights of these candidates in their average, which sum to 1."""


class Heard(NamedTuple):
    """What was said: `p_up` is served, and `known` is whether who serves it knew its features.

    `moves` is how likely the price moves at all. `candidates` are all that knew their features.
    `beside` has the probabilities of this training's, also of those that lacked some, but for the
    one who serves alone: earlier learners are not there on all rows, and their scores could not be
    held against the others'.
    """

    p_up: float
    moves: float
    known: bool
    candidates: dict[str, Said]
    beside: dict[str, float]


class Guested(NamedTuple):
    """What a model from outside said, and its identity; None where it abstains."""

    name: str
    model: str
    p_up: float | None


class _Seat(NamedTuple):
    """Who is asked, of which row; `on` is whose answer it corrects, where that is asked before."""

    name: str
    model: str
    row: int
    ask: Callable[..., float]
    on: str | None


class Panel:
    """The candidates of a model; the average of them serves, or its champion alone.

    `models` has their identities by name.
    """

    def __init__(self, model: TrainedModel, serve: Serve) -> None:
        self._champion = model.champion.name if serve == "champion" else None
        self._fallback = model.champion.name
        members = model.members
        self._columns = list(dict.fromkeys(each.candidate.columns for each in members))
        self._seats = [self._seat(each, members[:place]) for place, each in enumerate(members)]
        self._moves, self._move_columns = model.moves.probability_of, model.move_columns
        self.models = {each.name: each.model for each in members}
        references = {each.name for each in model.references}
        alone = None if self._champion in references else self._champion
        now = self._seats[: len(self._seats) - len(model.earlier)]
        self._beside = [each.name for each in now if each.name != alone]

    def hear(self, rows: Rows, shares: Shares, guests: Sequence[Guested] = ()) -> Heard:
        """Ask all about a vector; where nobody knows enough, what is served is the champion's.

        What `guests` said from outside counts where somebody here knows enough.
        """
        said: dict[str, float] = {}
        awake = []
        read = [rows.of(columns) for columns in self._columns]
        for name, model, which, ask, on in self._seats:
            row, known = read[which]
            said[name] = p_up = ask(row) if on is None else ask(said[on], row)
            if known:
                awake.append((name, p_up, model))
        if guests and awake:
            awake += [(one.name, one.p_up, one.model) for one in guests if one.p_up is not None]
            said |= {name: p_up for name, p_up, _ in awake}
        if self._champion is None:
            weights = shares([name for name, _, _ in awake])
            knows = bool(awake)
            p_up = said[self._fallback]
            if knows:
                p_up = sum(weights[name] * p for name, p, _ in awake)
        else:
            weights = {name: float(name == self._champion) for name, _, _ in awake}
            knows, p_up = self._champion in weights, said[self._champion]
        beside = {name: said[name] for name in self._beside}
        for one in guests:
            beside[one.name] = 0.5 if one.p_up is None else one.p_up
        return Heard(
            p_up,
            self._moves(rows.of(self._move_columns)[0]),
            knows,
            {name: Said(p, weights[name], model) for name, p, model in awake},
            beside,
        )

    def _seat(self, member: Member, before: Sequence[Member]) -> _Seat:
        name, model, candidate = member
        up, columns = candidate.up, candidate.columns
        row = self._columns.index(columns)
        if isinstance(up, Corrected):
            read = tuple(columns[column] for column in up.reads)
            for other in before:
                if other.candidate.columns == read and other.candidate.up == up.reference:
                    return _Seat(name, model, row, up.corrected, other.name)
        return _Seat(name, model, row, up.probability_of, None)
