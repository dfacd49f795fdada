"""What drives a seeded market from behind: the efficient price and the states that foretell it.

On a grid of 20 ms the efficient log mid is `m = w + y`. The walk w moves by white noise,
`dw = sigma (a dz1 + c dz2 + b dz0)` with `a² + c² + b² = 1`, bent linearly to meet the next hour's
anchor; since the anchors move as the walk does, the bent walk is again a Brownian motion.

What foretells m, while past prices do not:

- the **book state** `s1(t) = sqrt(2/T) ∫ exp(-u/T) dz1(t+u)` and the **flow state** s2 of dz2,
  weighted sums of increments still to come: unit Gaussians, made by filtering the noise backwards.
  The increments stay white, so past prices say nothing of them. The order book's imbalance shows
  s1, the takers' sides show s2, and nothing else does;
- the **reversion** y, an Ornstein-Uhlenbeck process that pulls the mid back within TAU_REVERSION.
  Prices show it, dimly, to who compares them with their slow average;
- the **residual**: the quoted mid moves to m only once m has left a band around it, so m - quoted
  is still to come. The imbalance shows it too.

The constants. Sigma, 0.85 bp over a second (48 % a year), is BTC's in a calm hour. The shares a²
and c² put the oracle near 68 % at 2 s, where models are on real books; the book has most of it,
since flow is seen through coin flips only. The book's state fades in about a second and the flow's
in five, so the ceiling falls with the horizon and the latency as on real books. The reversion,
three sigma wide, is worth 0.4 points at 2 s, 1 at 10 s and 2 at 60 s to who sees prices only. The
band leaves one to five per cent of seconds without a move. The control walks further, 1.4 bp over a
second, as markets with a spread of 5 bp do: two thirds of its last trade's moves over 5 s can then
be "predicted".
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from exchange_simulator.market import anchors
from exchange_simulator.market.draws import Draws, Floats
from exchange_simulator.market.tape import Integers

HOUR_US = 3_600_000_000
STEP_US = 20_000
STEPS = HOUR_US // STEP_US
TAU_BOOK = 1.25  # seconds, like the other two
TAU_FLOW = 5.0
TAU_REVERSION = 60.0

_STEP_S = STEP_US / 1e6
_TIME_CONSTANTS = 12  # after so many an exponential has faded (6e-6)


class Signals(NamedTuple):
    """How far the price walks and how strong each signal is; lengths in units of sigma."""

    sigma: float  # standard deviation of the log walk over one second
    book: float  # a: share of an increment that the book's state foretells
    flow: float  # c: the same for the flow's state
    reversion: float  # standard deviation of y
    band: float  # how far m may be from the quoted mid before it is quoted anew
    imbalance: float  # gain of the imbalance on the move that the book foretells
    sides: float  # gain of the takers' sides on the flow's state


SIGNALS = Signals(
    sigma=0.85e-4,
    book=math.sqrt(0.36),
    flow=math.sqrt(0.12),
    reversion=3.0,
    band=0.5,
    imbalance=1.2,
    sides=0.35,
)
NO_SIGNALS = Signals(1.4e-4, book=0.0, flow=0.0, reversion=0.0, band=0.0, imbalance=0.0, sides=0.0)


class Hidden(NamedTuple):
    """The hidden state at steps of the grid: unit Gaussians s1 and s2, and log prices."""

    book: Floats
    flow: Floats
    reversion: Floats
    mid: Floats
    quoted: Floats

    def at(self, steps: Integers) -> Hidden:
        """Return the state at the given steps only."""
        return Hidden(*(column[steps] for column in self))


def hidden_hour(draws: Draws, hour: int, signals: Signals) -> Hidden:
    """Return the hidden state at every step of an hour; the hour before and after agree with it."""
    dz1, book = _foreseen(draws, "book", hour, TAU_BOOK)
    dz2, flow = _foreseen(draws, "flow", hour, TAU_FLOW)
    rest = math.sqrt(1 - signals.book**2 - signals.flow**2)
    moves = signals.book * dz1 + signals.flow * dz2 + rest * draws.normals("rest", hour, STEPS)
    hourly_sd = signals.sigma * 60
    start, end = (anchors.log_price(draws, edge, hourly_sd) for edge in (hour, hour + 1))
    walk = np.concatenate(([0.0], np.cumsum(moves * (signals.sigma * math.sqrt(_STEP_S)))))
    walk += start + (end - start - walk[-1]) * np.arange(STEPS + 1) / STEPS
    reversion = (
        signals.reversion * signals.sigma * remembered(draws, "reversion", hour, TAU_REVERSION)
    )
    mid = walk[:-1] + reversion
    return Hidden(book, flow, reversion, mid, _quoted(mid, signals.band * signals.sigma))


def remembered(draws: Draws, purpose: str, hour: int, tau: float) -> Floats:
    """Return an Ornstein-Uhlenbeck process of unit variance at every step of an hour.

    It is summed from noise that reaches back into the hour before, so hours join without a jump.
    """
    reach = round(_TIME_CONSTANTS * tau / _STEP_S)
    before = draws.normals(purpose, hour - 1, STEPS)[-reach:]
    noise = np.concatenate((before, draws.normals(purpose, hour, STEPS)))
    return _decaying_sum(noise, tau)[reach - 1 : -1]


def foretold(tau: float, horizon_s: float) -> float:
    """Return the move that one unit of a state foretells over a horizon, in units of sigma."""
    return math.sqrt(2 * tau) * -math.expm1(-horizon_s / tau)


def _foreseen(draws: Draws, purpose: str, hour: int, tau: float) -> tuple[Floats, Floats]:
    """Return an hour's increments and, at every step, the decaying sum of those to come."""
    now = draws.normals(purpose, hour, STEPS)
    after = draws.normals(purpose, hour + 1, round(_TIME_CONSTANTS * tau / _STEP_S))
    return now, _decaying_sum(np.concatenate((now, after))[::-1], tau)[::-1][:STEPS]


def _decaying_sum(noise: Floats, tau: float) -> Floats:
    decay = math.exp(-_STEP_S / tau)
    from scipy.signal import lfilter  # half a second, which who only names a market saves

    total: Floats = lfilter([math.sqrt(1 - decay**2)], [1.0, -decay], noise)
    return total


def _quoted(mid: Floats, band: float) -> Floats:
    """Return the mid as of the last step at which it had left the band around the one quoted."""
    steps, quoted = [], -math.inf
    for step, value in enumerate(mid.tolist()):
        if abs(value - quoted) > band:
            steps.append(step)
            quoted = value
    return np.repeat(mid[steps], np.diff([*steps, len(mid)]))
