"""All candidates of a model asked about one feature vector, and what is served of their answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from marketstream.messages import Said
from predictor.models.parts.booster import Booster
from predictor.policy.members import Member
from predictor.serving.rows import Reader, Rows, reader_of
from predictor.settings import Serve
from predictor.training.calibration import log_odds_of
from predictor.training.correction import Corrected
from predictor.training.fitting import TrainedModel

type Weights = Callable[[Sequence[str]], Sequence[float]]
"""The weights of these candidates in their average, in their order; they sum to 1."""


class Heard(msgspec.Struct, frozen=True, gc=False):
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
    """Who is asked, of which row; `on` is whose answer it corrects, where that is asked before.

    `trees` are what it corrects by, where these may have been asked already.
    """

    row: int
    ask: Callable[..., float]
    on: int | None
    trees: Booster | None


class Panel:
    """The candidates of a model; the average of them serves, or its champion alone.

    `models` has their identities by name.
    """

    def __init__(self, model: TrainedModel, serve: Serve) -> None:
        self._champion = model.champion.name if serve == "champion" else None
        members = model.members
        read = [*(each.candidate.columns for each in members), model.move_columns]
        self._columns = list(dict.fromkeys(read))
        self._readers = tuple(reader_of(columns) for columns in self._columns)
        self._seats = [self._seat(place, members) for place in range(len(members))]
        self._moves, self._move_row = model.moves.probability_of, self._row(model.move_columns)
        self.models = {each.name: each.model for each in members}
        self._names, self._identities = list(self.models), list(self.models.values())
        self._fallback = self._names.index(model.champion.name)
        references = {each.name for each in model.references}
        alone = None if self._champion in references else self._champion
        now = [each.name for each in members[: len(members) - len(model.earlier)]]
        self._beside = [(name, place) for place, name in enumerate(now) if name != alone]

    def hear(self, rows: Rows, weights_of: Weights, guests: Sequence[Guested] = ()) -> Heard:
        """Ask all about a vector; where nobody knows enough, what is served is the champion's.

        What `guests` said from outside counts where somebody here knows enough.
        """
        read, known, whole = rows.together(self._readers)
        answers = self._asked(read, rows.said)
        beside = {name: answers[place] for name, place in self._beside}
        names, models, said = self._names, self._identities, answers
        if not whole:
            awake = [place for place, seat in enumerate(self._seats) if known[seat.row]]
            names = [names[place] for place in awake]
            models = [models[place] for place in awake]
            said = [answers[place] for place in awake]
        if guests:
            spoke = [(g.name, g.model, g.p_up) for g in guests if names and g.p_up is not None]
            names = [*names, *(name for name, _, _ in spoke)]
            models = [*models, *(model for _, model, _ in spoke)]
            said = [*said, *(p_up for _, _, p_up in spoke)]
            beside |= {g.name: 0.5 for g in guests} | {name: p_up for name, _, p_up in spoke}
        if self._champion is None:
            knows, p_up = bool(names), answers[self._fallback]
            weights = weights_of(names)
            if knows:
                p_up = sum([weight * p for weight, p in zip(weights, said, strict=True)])
        else:
            knows, p_up = self._champion in names, answers[self._fallback]
            weights = [float(name == self._champion) for name in names]
        candidates = dict(zip(names, map(Said, said, weights, models), strict=True))
        return Heard(p_up, self._moves(read[self._move_row]), knows, candidates, beside)

    @property
    def trees(self) -> Iterator[tuple[Reader, Booster]]:
        """The boosters that can be asked together with others, and who reads the row for each."""
        for seat in self._seats:
            if seat.trees is not None:
                yield self._readers[seat.row], seat.trees

    def _asked(self, read: Sequence[Sequence[float]], told: Mapping[Booster, float]) -> list[float]:
        """Return what each says of these rows; `told` is what boosters have said already."""
        answers: list[float] = []
        reference, base = None, 0.0  # what it said is needed by all who correct it
        for which, ask, on, trees in self._seats:
            p = None if trees is None else told.get(trees)
            if on is None:
                answers.append(ask(read[which]) if p is None else ask(read[which], p))
                continue
            if on != reference:
                reference, base = on, log_odds_of(answers[on])
            answers.append(ask(base, read[which], p))
        return answers

    def _seat(self, place: int, members: Sequence[Member]) -> _Seat:
        up, columns = members[place].candidate.up, members[place].candidate.columns
        row = self._row(columns)
        trees = None
        if isinstance(up, Corrected):
            if isinstance(up.correction, Booster) and up.share and up.correction.flat is not None:
                trees = up.correction
            read = tuple(columns[column] for column in up.reads)
            for on, other in enumerate(members[:place]):
                if other.candidate.columns == read and other.candidate.up == up.reference:
                    return _Seat(row, up.corrected, on, trees)
        return _Seat(row, up.probability_of, None, trees)

    def _row(self, columns: tuple[str, ...]) -> int:
        return self._columns.index(columns)
