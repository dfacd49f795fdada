"""Whether predictions are better or worse than their rivals, said so that one may look any time.

Somebody who begins with 1 and stakes a share λ on each difference d of two credits (right 1, wrong
0, silent one half) owns ∏(1 + λd). Where the predictions are no better than the rival, so that d is
expected to be at most 0 given all that was known when they were made, that is a nonnegative
supermartingale: the chance that it ever reaches 1/alpha is at most alpha (Ville 1939), whenever and
however often one looks. So are averages over λ chosen beforehand (Waudby-Smith and Ramdas 2024,
Journal of the Royal Statistical Society B 86; bets that learn grow a little faster, but theirs is a
proof of some row, not of the mean). As 1 + λd = (1 + λμ)(1 + λ(d - μ)/(1 + λμ)), where 1 + λμ is at
most e^(λμ) and μ is what was expected of d, the same holds of all looks at which the *mean* of what
was expected so far is at most 0 (the weak null of Choe and Ramdas 2024, Operations Research 72):
a market that changes makes no false proof, and what is no longer so on all rows is taken back.

Outcomes of neighbouring rows overlap: when a row is predicted, those just before it are not known.
So rows take turns at several streams, none of which has two that overlap, and their capitals are
averaged (Arnold, Henzi and Ziegel 2023). Each is a supermartingale at the moments at which its own
rows are predicted, not at those at which one looks: one sees how a row that is still open goes, and
could stop just before it is lost. The cure for any two filtrations is to adjust each process (Choe
and Ramdas 2024, "Combining evidence across filtrations"), which costs about half of its logarithm.
Here one row a stream is open and loses at most its stake, so **what is staked counts as lost until
it is known**. What is left is never more than the capital at the stream's next prediction, by when
the row is known, and that capital is at most 1 in expectation at whatever moment one stops, by
whatever market and outcomes have told until then. So the average over streams is, too. The null is
then one of each stream: that its mean is at most 0.

All of it follows from how often each difference came in each stream: it needs no order, loses no
digit, takes the same room for ever, and a database can count it.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, log, log10
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from marketstream.columns import Floats, Integers
from marketstream.messages import Outcome, Verdict
from marketstream.scoring import BASELINES

type Finding = Literal["not known yet", "skill", "worse than the best baseline"]

ALPHA = 0.01
"""How often, at most, anything false is ever said of a market and horizon."""

COIN = "coin"
_RIVALS = 10  # that share what may be said falsely of "worse": those that join later, too

_DIFFERENCES = np.array([-1.0, -0.5, 0.5, 1.0])
_BETS = 0.5 ** np.arange(1, 9)
_GAINS = np.log1p(np.outer(_DIFFERENCES, _BETS))
_KEPT = np.log1p(-_BETS) - log(len(_BETS))  # of each bet's part, while its stake may be lost
_HALVES: dict[Verdict, int] = {"wrong": 0, "abstained": 1, "flat": 1, "right": 2}
_PLACES = {-2: 0, -1: 1, 1: 2, 2: 3}


class Streams(NamedTuple):
    """The streams that the rows of a horizon, predicted `every_ms`, take turns at.

    Rows of the latency that is foreseen take `turns` turns. Those that are known up to a close
    later, as where quotes lag, have streams of their own with one turn more; still later ones have
    none.
    """

    horizon_ms: int
    every_ms: int
    turns: int

    @classmethod
    def foreseen(cls, horizon_ms: int, every_ms: int, latency_ms: int = 0) -> Streams:
        """Return the fewest of which none has two rows that overlap."""
        return cls(horizon_ms, every_ms, ceil((horizon_ms + latency_ms) / every_ms))

    @property
    def most_latency_ms(self) -> int:
        """Up to which latency of its label a row takes `turns` turns."""
        return self.turns * self.every_ms - self.horizon_ms

    def of(self, close_time_ms: int, latency_ms: int) -> int | None:
        """Return the stream of a row; None where it has none."""
        close = close_time_ms // self.every_ms
        if latency_ms <= self.most_latency_ms:
            return close % self.turns
        if latency_ms <= self.most_latency_ms + self.every_ms:
            return self.turns + close % (self.turns + 1)
        return None

    def of_all(self, close_time_ms: Integers, latency_ms: Integers) -> Integers:
        """Return the stream of each of many rows; -1 where it has none."""
        close = close_time_ms // self.every_ms
        later = self.turns + close % (self.turns + 1)
        stream = np.where(latency_ms <= self.most_latency_ms, close % self.turns, later)
        return np.where(latency_ms <= self.most_latency_ms + self.every_ms, stream, -1)

    def weights(self) -> Floats:
        """Return the share of each stream in the average, fixed beforehand: half for each kind."""
        more = self.turns + 1
        return np.repeat([0.5 / self.turns, 0.5 / more], [self.turns, more])


class Tally(NamedTuple):
    """So many outcomes of a horizon, of closes from `since_ms` to `until_ms`, that were alike."""

    horizon_ms: int
    stream: int
    verdict: Verdict
    baselines: Mapping[str, Verdict]
    outcomes: int
    since_ms: int
    until_ms: int


class Rival(msgspec.Struct, frozen=True):
    """Evidence on `rows` of both: log10 of the e-values that it is beaten, and that it is better.

    Each is divided by what the others may need, so that 1/alpha and more is proof.
    """

    rows: int
    beaten: float
    better: float


class Proof(msgspec.Struct, frozen=True):
    """What is proven of predictions, at whatever moment it is asked.

    `log10_e` is that of skill, the least that a coin or baseline is beaten by; from log10(1/alpha)
    on it is proven. `better` names the references that are proven to be better. It covers
    `outcomes` at closes from `since_ms` to `until_ms`, None before the first.
    """

    verdict: Finding
    better: list[str]
    log10_e: float
    alpha: float
    since_ms: int | None
    until_ms: int | None
    outcomes: int
    rivals: dict[str, Rival]


def log10_e(counts: NDArray[np.int64], weights: Floats) -> Floats:
    """Return log10 of the e-value that a difference is positive in the mean.

    `counts[..., stream, 4]` say how often it was -1, -1/2, 1/2 and 1, `weights` sum to 1. Reversed
    along the last axis counts give the e-value that it is negative.
    """
    return _log10_mean(counts @ _GAINS + _KEPT, weights)


def log10_e_of(differences: Floats, streams: NDArray[np.int64], weights: Floats) -> float:
    """Return the same of any differences from -1 to 1, each of which belongs to a stream."""
    logs = np.tile(_KEPT, (len(weights), 1))
    np.add.at(logs, streams, np.log1p(np.outer(differences, _BETS)))
    return float(_log10_mean(logs, weights))


def _log10_mean(logs: Floats, weights: Floats) -> Floats:
    """Return log10 of the mean over streams of what their bets own, given as logarithms."""
    most = logs.max((-2, -1), keepdims=True)
    total = np.exp(logs - most).sum(-1) @ weights
    return np.asarray((np.log(total) + most[..., 0, 0]) / log(10), np.float64)


class Evidence:
    """Counts what came of one horizon's predictions, against each rival.

    Rows count that moved and where the model did not abstain, as they do for the accuracy; which
    those are is known beforehand, but for moves, without which all are equal. Given are outcomes of
    predictions that were not late.
    """

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._weights = streams.weights()
        self._counts: dict[str, NDArray[np.int64]] = {}
        self._rows: dict[str, int] = {}
        self._outcomes = 0
        self._since_ms: int | None = None
        self._newest_ms: dict[int, int] = {}
        self._proof: Proof | None = None

    def happened(self, outcome: Outcome, latency_ms: int) -> None:
        """Count an outcome that was measured from `latency_ms` after its close.

        One that is told again, after later ones of its stream, is passed over.
        """
        close_ms = outcome.close_time_ms
        stream = self._streams.of(close_ms, latency_ms)
        if stream is None or close_ms <= self._newest_ms.get(stream, close_ms - 1):
            return
        said = (outcome.verdict, outcome.baselines)
        self.add(Tally(outcome.horizon_ms, stream, *said, 1, close_ms, close_ms))

    def add(self, tally: Tally) -> None:
        """Count outcomes that were alike, in whatever order they come."""
        self._proof = None
        stream, many = tally.stream, tally.outcomes
        self._outcomes += many
        since_ms = self._since_ms
        self._since_ms = tally.since_ms if since_ms is None else min(since_ms, tally.since_ms)
        newest_ms = self._newest_ms.get(stream, tally.until_ms)
        self._newest_ms[stream] = max(newest_ms, tally.until_ms)
        if tally.verdict not in ("right", "wrong"):
            return
        own = _HALVES[tally.verdict]
        # Against a coin no more than a half can be lost, so twice as much is staked.
        self._count(COIN, stream, 2 * own - 2, many)
        for name, verdict in tally.baselines.items():
            self._count(name, stream, own - _HALVES[verdict], many)

    def _count(self, rival: str, stream: int, halves: int, many: int) -> None:
        if rival not in self._counts:
            self._counts[rival] = np.zeros((len(self._weights), len(_DIFFERENCES)), np.int64)
        self._rows[rival] = self._rows.get(rival, 0) + many
        if halves:
            self._counts[rival][stream, _PLACES[halves]] += many

    def proof(self) -> Proof:
        """Return what is proven now."""
        if self._proof is None:
            self._proof = self._proven()
        return self._proof

    def _proven(self) -> Proof:
        rivals = self._compared()
        judges = [rivals[name] for name in (COIN, *BASELINES) if name in rivals]
        skill = min((each.beaten for each in judges), default=-log10(2))
        needed = -log10(ALPHA)
        better = [name for name, each in rivals.items() if each.better >= needed]
        references = [name for name in better if name != COIN and name not in BASELINES]
        verdict: Finding = "not known yet"
        if len(references) < len(better):
            verdict = "worse than the best baseline"
        elif skill >= needed:
            verdict = "skill"
        return Proof(
            verdict=verdict,
            better=sorted(references, key=lambda name: -rivals[name].better),
            log10_e=skill,
            alpha=ALPHA,
            since_ms=self._since_ms,
            until_ms=max(self._newest_ms.values(), default=None),
            outcomes=self._outcomes,
            rivals=rivals,
        )

    def _compared(self) -> dict[str, Rival]:
        """Compare with each rival: half of alpha is for skill, of which all must be beaten.

        The other half is shared by all of whom each may falsely be said to be better.
        """
        if not self._counts:
            return {}
        counts = np.stack(list(self._counts.values()))
        beaten = log10_e(counts, self._weights) - log10(2)
        behind = log10_e(counts[..., ::-1], self._weights)
        better = behind - log10(2 * max(_RIVALS, len(counts)))
        return {
            name: Rival(self._rows[name], round(float(one), 3), round(float(other), 3))
            for name, one, other in zip(self._counts, beaten, better, strict=True)
        }
