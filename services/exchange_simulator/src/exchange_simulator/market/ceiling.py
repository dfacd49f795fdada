"""How far a seeded market can be predicted: the accuracy of an oracle that sees its hidden state.

With the state at t known, the move of the quoted mid from t + L to t + L + h is expected to be, in
units of sigma,

    a sqrt(2 T1) exp(-L/T1) (1 - exp(-h/T1)) s1         the increments that the book's state weighs
  + c sqrt(2 T2) exp(-L/T2) (1 - exp(-h/T2)) s2         the same for the flow's
  - y exp(-L/T3) (1 - exp(-h/T3))                       the reversion's way home
  + (m - quoted) exp(-pi² L / (2 band²))                what the quote still lags behind

The first two are regressions of Gaussian sums: with `s = sqrt(2/T) ∫ exp(-u/T) dz(t+u)`, the
covariance of s and the increments over [L, L+h] is `sqrt(2 T) exp(-L/T) (1 - exp(-h/T))`. The last
is the slowest odd mode of a Brownian motion that starts from zero again where it leaves the band.
The oracle answers with the sum's sign. s1, s2, y and m - quoted are all that past and present tell
of the future, since the noise to come is independent of the rest: so no predictor beats it beyond
chance. Where the sum is nothing, as in the control, the oracle is half right.

A follower shows at t what its leader has shown at t - D. Who sees the leader too has, of the move
from t + L to t + L + h, as past what lies before t + D, so that

    D <= L          it is the leader's own sum, with a latency of L - D
    L < D < L + h   m + the first three terms over L + h - D without latency - quoted(t + L - D)
    L + h <= D      quoted(t + L + h - D) - quoted(t + L - D), which is known

with m, the states and quoted those of the leader.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from exchange_simulator.market.draws import Floats
from exchange_simulator.market.seeded import SeededMarket
from exchange_simulator.market.signals import (
    TAU_BOOK,
    TAU_FLOW,
    TAU_REVERSION,
    Hidden,
    Signals,
    foretold,
)
from exchange_simulator.market.tape import Integers
from marketstream.errors import SettingsError


class Ceiling(NamedTuple):
    """How the oracle fared on `n` decisions, of which the mid moved on `moved`."""

    horizon_ms: int
    latency_ms: int
    n: int
    moved: int
    right: float

    @property
    def accuracy(self) -> float | None:
        """The share of moved rows it was right on; None where nothing moved."""
        return self.right / self.moved if self.moved else None


def ceiling(
    market: SeededMarket,
    *,
    from_us: int,
    to_us: int,
    every_ms: int = 1_000,
    horizon_ms: int,
    latency_ms: int = 0,
    leader: SeededMarket | None = None,
) -> Ceiling:
    """Score the oracle on decisions at each whole `every_ms` in `[from_us, to_us)`.

    With a `leader` it sees that market's hidden state, of which this one's is a later copy.
    """
    if min(every_ms, horizon_ms) <= 0 or latency_ms < 0:
        raise SettingsError(
            f"every {every_ms} ms, horizon {horizon_ms} ms, latency {latency_ms} ms:"
            " the first two have to be above zero, the latency not below"
        )
    if market.start_us is not None and from_us <= market.start_us:
        raise SettingsError(f"from {from_us} us: the market begins at {market.start_us} us")
    every_us = every_ms * 1_000
    times_us = np.arange(-(-from_us // every_us) * every_us, to_us, every_us)
    moves = realised_moves(market, times_us, horizon_ms=horizon_ms, latency_ms=latency_ms)
    answers = expected_moves(
        market, times_us, horizon_ms=horizon_ms, latency_ms=latency_ms, leader=leader
    )
    moved = np.flatnonzero(moves)
    right = (1 + np.sign(answers[moved]) * np.sign(moves[moved])).sum() / 2
    return Ceiling(horizon_ms, latency_ms, len(times_us), len(moved), float(right))


def expected_moves(
    market: SeededMarket,
    times_us: Integers,
    *,
    horizon_ms: int,
    latency_ms: int = 0,
    leader: SeededMarket | None = None,
) -> Floats:
    """Return the log moves of the mid that the oracle expects; it answers with their signs."""
    if leader is not None:
        return _expected_behind(market, leader, times_us, horizon_ms, latency_ms)
    hidden, signals = market.hidden_before(times_us), market.signals
    # Without a band the residual is zero at every step.
    lag_tau = 2 * signals.band**2 / math.pi**2
    weight = math.exp(-latency_ms / 1_000 / lag_tau) if lag_tau else 0.0
    lag = (hidden.mid - hidden.quoted) * weight
    return _foreseen(hidden, signals, horizon_ms, latency_ms) + lag


def _foreseen(hidden: Hidden, signals: Signals, horizon_ms: int, latency_ms: int) -> Floats:
    """Return the log move of m that is expected over a horizon after a latency."""
    horizon, latency = horizon_ms / 1_000, latency_ms / 1_000

    def weight(tau: float) -> float:
        return math.exp(-latency / tau)

    foreseen = signals.book * foretold(TAU_BOOK, horizon) * weight(TAU_BOOK) * hidden.book
    foreseen += signals.flow * foretold(TAU_FLOW, horizon) * weight(TAU_FLOW) * hidden.flow
    back = hidden.reversion * weight(TAU_REVERSION) * math.expm1(-horizon / TAU_REVERSION)
    expected: Floats = signals.sigma * foreseen + back
    return expected


def _expected_behind(
    market: SeededMarket,
    leader: SeededMarket,
    times_us: Integers,
    horizon_ms: int,
    latency_ms: int,
) -> Floats:
    """Return the log moves of a follower's mid that are expected by who sees its leader."""
    lag_ms = market.lag_ms - leader.lag_ms
    if lag_ms < 0:
        raise SettingsError(f"a leader that lags by {-lag_ms} ms: it has to be ahead of the other")
    start_ms, end_ms = latency_ms - lag_ms, latency_ms + horizon_ms - lag_ms
    if start_ms >= 0:
        return expected_moves(leader, times_us, horizon_ms=horizon_ms, latency_ms=start_ms)
    quoted_at_start = leader.hidden_before(times_us + start_ms * 1_000).quoted
    if end_ms <= 0:
        return leader.hidden_before(times_us + end_ms * 1_000).quoted - quoted_at_start
    hidden = leader.hidden_before(times_us)
    return hidden.mid + _foreseen(hidden, leader.signals, end_ms, 0) - quoted_at_start


def realised_moves(
    market: SeededMarket, times_us: Integers, *, horizon_ms: int, latency_ms: int = 0
) -> Floats:
    """Return the log move of the quoted mid over the horizon, from `latency_ms` after each time."""
    start_us = times_us + latency_ms * 1_000
    end_us = start_us + horizon_ms * 1_000
    moves: Floats = np.log(market.mids_before(end_us)) - np.log(market.mids_before(start_us))
    return moves
