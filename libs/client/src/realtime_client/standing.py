"""How good predictions have been, typed, and who serves them."""

from __future__ import annotations

import msgspec


class Score(msgspec.Struct, frozen=True):
    """Figures of one horizon's newest outcomes; shares are 0-1, None where nothing was counted.

    The `accuracy` is over `moved` rows where the model did not abstain, with its 95 % interval
    `low` to `high` at `effective` independent rows; baselines and references are of the same rows.
    """

    predictions: int
    outcomes: int
    abstentions: int
    moved: int
    effective: float
    accuracy: float | None
    low: float | None
    high: float | None
    accuracy_all: float | None
    close_accuracy: float | None
    coverage: float | None
    baselines: dict[str, float]
    references: dict[str, float]


class Rival(msgspec.Struct, frozen=True):
    """Evidence on `rows` of both: log10 of the e-values that it is beaten, and that it is better.

    From log10(1 / alpha) on that is proven.
    """

    rows: int
    beaten: float
    better: float


class Proof(msgspec.Struct, frozen=True):
    """What all outcomes of closes from `since_ms` to `until_ms` prove, whenever it is asked.

    Anything false is said with a probability of `alpha` at most; `better` names the references that
    are proven to be better.
    """

    verdict: str
    better: list[str]
    log10_e: float
    alpha: float
    since_ms: int | None
    until_ms: int | None
    outcomes: int
    rivals: dict[str, Rival]


class Serving(msgspec.Struct, frozen=True):
    """The model that serves one horizon; `trainings` counts those of this run."""

    name: str
    version: str
    trained_at_ms: int
    rows: int
    trainings: int


class CandidateLoss(msgspec.Struct, frozen=True):
    """The mean log loss of up against down of a candidate, `ahead` of what was served by so much.

    Both are on the rows that moved at which it spoke.
    """

    rows: int
    log_loss: float
    ahead: float


class ReliabilityBin(msgspec.Struct, frozen=True):
    """Moves of which nearly the same was said: on average `said` for up; it `came` so often."""

    said: float
    came: float
    moved: int


class OnPaper(msgspec.Struct, frozen=True):
    """What a position in each direction that was said would have earned from mid to mid.

    On average, in basis points; `net_bps` is less the spread, before fees. None without positions.
    """

    positions: int
    gross_bps: float | None
    spread_bps: float | None
    net_bps: float | None


class Standing(msgspec.Struct, frozen=True):
    """How good the predictions of one horizon have been, what that proves, and what serves.

    `candidates` are all that speak in the average, by name, and what was `served`; `reliability` is
    how often what was said came, `on_paper` what it would have earned.
    """

    horizon_ms: int
    score: Score
    proof: Proof
    model: Serving | None
    candidates: dict[str, CandidateLoss]
    reliability: list[ReliabilityBin]
    on_paper: OnPaper


class Term(msgspec.Struct, frozen=True):
    """Since when a version was the champion, and why."""

    since_ms: int
    why: str


class ModelRecord(msgspec.Struct, frozen=True):
    """A version of a horizon's model: what it was made of, when it served, and what came of it.

    `validation` holds the figures of its training by name. The `accuracy` (0-1) is over `moved`
    rows, with its 95 % interval `low` to `high`. What is not known of it is None.
    """

    market: str
    timeframe: str
    horizon_ms: int
    name: str | None
    version: str
    trained_at_ms: int | None
    rows: int | None
    validation: dict[str, float | None]
    first_close_ms: int | None
    last_close_ms: int | None
    outcomes: int
    abstained: int
    moved: int
    effective: float
    accuracy: float | None
    low: float | None
    high: float | None
    coverage: float | None
    terms: list[Term] = []


class ChampionChanged(msgspec.Struct, frozen=True):
    """Of which registered model which version is the champion now, and which was before."""

    model: str
    champion: str
    before: str | None
    why: str


class KnownKey(msgspec.Struct, frozen=True):
    """Who has a key, what it opens (`read` or `admin`), and since when."""

    name: str
    role: str
    made_at_ms: int
