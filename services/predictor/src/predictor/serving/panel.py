"""All candidates of a model asked about one feature vector, and what is served of their answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from marketstream.messages import Said
from predictor.policy.members import Member
from predictor.serving.rows import Rows, reader_of
from predictor.settings import Serve
from predictor.training.calibration import log_odds_of
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

    row: int
    ask: Callable[..., float]
    on: int | None


class Panel:
    """The candidates of a model; the average of them serves, or its champion alone.

    `models` has their identities by name.
    """

    def __init__(self, model: TrainedModel, serve: Serve) -> None:
        self._champion = model.champion.name if serve == "champion" else None
        self._fallback = model.champion.name
        members = model.members
        read = [*(each.candidate.columns for each in members), model.move_columns]
        self._columns = list(dict.fromkeys(read))
        self._readers = [reader_of(columns) for columns in self._columns]
        self._seats = [self._seat(place, members) for place in range(len(members))]
        self._moves, self._move_row = model.moves.probability_of, self._row(model.move_columns)
        self.models = {each.name: each.model for each in members}
        references = {each.name for each in model.references}
        alone = None if self._champion in references else self._champion
        now = [each.name for each in members[: len(members) - len(model.earlier)]]
        self._beside = [name for name in now if name != alone]

    def hear(self, rows: Rows, shares: Shares, guests: Sequence[Guested] = ()) -> Heard:
        """Ask all about a vector; where nobody knows enough, what is served is the champion's.

        What `guests` said from outside counts where somebody here knows enough.
        """
        read = [rows.read(reader) for reader in self._readers]
        known = [knows for _, knows in read]
        answers: list[float] = []
        asked, base = None, 0.0  # what a reference said is needed by all who correct it
        for which, ask, on in self._seats:
            row, _ = read[which]
            if on is None:
                answers.append(ask(row))
                continue
            if on != asked:
                asked, base = on, log_odds_of(answers[on])
            answers.append(ask(base, row))
        said = dict(zip(self.models, answers, strict=True))
        awake = self.models
        if not all(known):
            seats = zip(self.models.items(), self._seats, strict=True)
            awake = {name: model for (name, model), seat in seats if known[seat.row]}
        if guests and awake:
            spoke = [(one, one.p_up) for one in guests if one.p_up is not None]
            awake = awake | {one.name: one.model for one, _ in spoke}
            said |= {one.name: p_up for one, p_up in spoke}
        if self._champion is None:
            weights = shares(awake)
            knows = bool(awake)
            p_up = said[self._fallback]
            if knows:
                p_up = sum([weights[name] * said[name] for name in awake])
        else:
            weights = {name: float(name == self._champion) for name in awake}
            knows, p_up = self._champion in weights, said[self._champion]
        beside = {name: said[name] for name in self._beside}
        for one in guests:
            beside[one.name] = said.get(one.name, 0.5)
        return Heard(
            p_up,
            self._moves(read[self._move_row][0]),
            knows,
            {name: Said(said[name], weights[name], model) for name, model in awake.items()},
            beside,
        )

    def _seat(self, place: int, members: Sequence[Member]) -> _Seat:
        up, columns = members[place].candidate.up, members[place].candidate.columns
        row = self._row(columns)
        if isinstance(up, Corrected):
            read = tuple(columns[column] for column in up.reads)
            for on, other in enumerate(members[:place]):
                if other.candidate.columns == read and other.candidate.up == up.reference:
                    return _Seat(row, up.corrected, on)
        return _Seat(row, up.probability_of, None)

    def _row(self, columns: tuple[str, ...]) -> int:
        return self._columns.index(columns)
