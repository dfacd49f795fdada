"""Whether one model says better what will come than another, on rows that neither was fitted to.

The evidence is that of verdicts (`marketstream.evidence`), on the differences of two models'
quadratic losses, (p - 1)^2 where the price went up and p^2 where it went down (Brier 1950), in
streams whose outcomes do not overlap. That score is proper, as log loss is, and bounded, as a bet
needs it. Where the challenger is no better in the mean, the evidence ever reaches 1/alpha with a
probability of at most alpha, however often one looks.

A champion meets many challengers, and the best of many looks good by luck. So the one of number k
has to show 2k(k + 1)/alpha, and as many times that as were tried with it: 1/(k(k + 1)) sums to 1,
two ways lead to a change, trainings beside the stream and by command, and that anyone is ever
wrongly called better has a chance of at most alpha.
"""

from __future__ import annotations

from math import log10
from typing import NamedTuple

import numpy as np

from marketstream.columns import Flags, Floats, Times
from marketstream.evidence import ALPHA, Streams, log10_e_of
from marketstream.uncertainty import credit

_WAYS = 2


class Duel(NamedTuple):
    """How the challenger did on so many rows: its accuracy less the champion's, and the evidence.

    `log10_e`, that its quadratic loss is less, is to be held against `needed`.
    """

    rows: int
    ahead: float
    log10_e: float


NO_DUEL = Duel(0, 0.0, float("-inf"))
"""Without any row."""


def needed(number: int, tried: int = 1) -> float:
    """Return the log10 of the evidence that a champion's challenger of a number has to show.

    The first is number 1; `tried` are the models of which it was the best.
    """
    return log10(_WAYS * tried * number * (number + 1) / ALPHA)


def duel(
    challenger: Floats, champion: Floats, up: Flags, times_ms: Times, streams: Streams
) -> Duel:
    """Return how two models' probabilities of up did on rows that moved, ordered by time."""
    if not len(up):
        return NO_DUEL
    gained = (champion - up) ** 2 - (challenger - up) ** 2
    turn = times_ms // streams.every_ms % streams.turns
    weights = np.full(streams.turns, 1 / streams.turns)
    came = np.where(up, 1.0, -1.0)
    ahead = credit(np.sign(challenger - 0.5), came) - credit(np.sign(champion - 0.5), came)
    return Duel(len(up), float(ahead.mean()), log10_e_of(gained, turn, weights))
