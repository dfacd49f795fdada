"""Verdicts and promotions on a random walk with a spread, and of a model with skill, at each close.

200 seeds of 20,000 closes, with outcomes of 1, 2, 5 and 10 closes that overlap as they do live.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import log, log10

import numpy as np
import pytest
from numpy.typing import NDArray

from marketstream.evidence import ALPHA, COIN, Evidence, Streams, log10_e
from marketstream.messages import Outcome, Verdict
from marketstream.scoring import BASELINES
from predictor.policy.duel import duel, needed

SEEDS = 200
CLOSES = 20_000
HORIZONS = (1, 2, 5, 10)
BETS = 0.5 ** np.arange(1, 9)
LEAN = 0.25  # of those who meet in a duel, from one half
RIVALS = 10  # that share half of alpha

type Signs = NDArray[np.int8]


class Walk:
    """Mids at closes, three of five of which leave them as they are, and what came of each."""

    def __init__(self, seeds: int, horizon: int, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.horizon = horizon
        steps = self.random.integers(-2, 3, (seeds, CLOSES + 2 * horizon))
        mids = np.cumsum(np.where(np.abs(steps) > 1, steps // 2, 0), axis=1)
        self.past = mids[:, horizon:-horizon]
        self.came = signs(mids[:, 2 * horizon :] - self.past)
        self.before = signs(self.past - mids[:, : -2 * horizon])

    def persistent(self) -> Signs:
        """Return signs that stay for a minute or so: a model that follows its own mood."""
        flips = self.random.random(self.past.shape) < 1 / 60
        first = self.random.integers(0, 2, (len(self.past), 1))
        return np.asarray(2 * ((np.cumsum(flips, axis=1) + first) % 2) - 1, np.int8)

    def told(self, share: float) -> Signs:
        """Return what a model says that is right so often of the moves, each close anew."""
        right = self.random.random(self.past.shape) < share
        drift = np.where(self.came == 0, 1, self.came)
        return np.asarray(np.where(right, drift, -drift), np.int8)

    def rivals(self, model: Signs) -> dict[str, Signs]:
        """Return what the baselines say, and two references that foretell nothing."""
        alike = np.where(self.random.random(model.shape) < 0.9, model, -model)
        return {
            "majority": signs(self.past - self.past[:, :1]),
            "persistence": self.before,
            "reversal": -self.before,
            "imbalance_sign": self.persistent(),
            "logistic_five": np.asarray(alike, np.int8),
        }


def signs(of: NDArray[np.int64]) -> Signs:
    return np.sign(of).astype(np.int8)


def halves_ahead(model: Signs, rival: Signs, came: Signs) -> Signs:
    """Return twice the difference of the credits; 0 where nothing moved or the model is silent."""
    ahead = model * came - rival * came
    return np.where((model != 0) & (came != 0), ahead, 0).astype(np.int8)


def differences(walk: Walk, model: Signs) -> dict[str, Signs]:
    of_coin = 2 * halves_ahead(model, np.zeros_like(model), walk.came)  # its stake is doubled
    rivals = walk.rivals(model).items()
    return {COIN: of_coin} | {name: halves_ahead(model, said, walk.came) for name, said in rivals}


def most_capital(halves: Signs, horizon: int, unit: float = 0.5) -> NDArray[np.float64]:
    """Return by seed the log of the most that any bet of any stream ever owned."""
    most = np.zeros(len(halves))
    for bet in BETS:
        gains = np.log1p(bet * unit * np.arange(-2, 3)).astype(np.float32)
        logs = gains[halves.astype(np.intp) + 2].reshape(len(halves), -1, horizon)
        most = np.maximum(most, np.cumsum(logs, axis=1).max((1, 2)))
    return most


def e_values(halves: Signs, horizon: int) -> NDArray[np.float64]:
    """Return log10 of the e-value of one seed after each close."""
    streams = Streams.foreseen(1_000 * horizon, 1_000)
    weights = streams.weights()
    rows = np.flatnonzero(halves)
    counts = np.zeros((CLOSES, len(weights), 4), np.int64)
    place = np.array([0, 1, -1, 2, 3])[halves[rows].astype(np.intp) + 2]
    counts[rows, rows % horizon, place] = 1
    return log10_e(np.cumsum(counts, axis=0), weights)


def false_verdicts(walk: Walk, model: Signs) -> dict[str, set[int]]:
    """Return the seeds in which a verdict is ever said at any of the closes."""
    found: dict[str, set[int]] = {"skill": set(), "worse": set(), "a reference is better": set()}
    ahead = differences(walk, model)
    needed = log(2 / ALPHA)
    for seed in np.flatnonzero(most_capital(ahead[COIN], walk.horizon) >= needed):
        each = [e_values(ahead[name][seed], walk.horizon) for name in (COIN, *BASELINES)]
        if (np.min(each, axis=0) >= log10(2 / ALPHA)).any():
            found["skill"].add(int(seed))
    for name, halves in ahead.items():
        said = "worse" if name in (COIN, *BASELINES) else "a reference is better"
        screened = most_capital(-halves, walk.horizon) >= log(2 * RIVALS / ALPHA)
        for seed in np.flatnonzero(screened):
            values = e_values(-halves[seed], walk.horizon)
            if (values >= log10(2 * RIVALS / ALPHA)).any():
                found[said].add(int(seed))
    return found


def course(halves: Signs, horizon: int) -> NDArray[np.float64]:
    """Return log10 of a duel's e-value after each close of one seed.

    Both lean by `LEAN`, so that by as much the quadratic loss differs for half a credit.
    """
    logs = np.zeros((CLOSES, horizon, len(BETS)))
    logs[np.arange(CLOSES), np.arange(CLOSES) % horizon] = np.log1p(np.outer(LEAN * halves, BETS))
    owned = np.exp(np.cumsum(logs, axis=0)) * (1 - BETS)
    return np.asarray(np.log10(owned.mean((1, 2))))


def falsely_promoted(walk: Walk, champion: Signs) -> set[int]:
    """Return the seeds in which a challenger is promoted at any of the closes.

    Each rival in turn is the champion's next challenger; all say a side, so that none is better.
    """
    found = set()
    for number, rival in enumerate(walk.rivals(champion).values(), 1):
        challenger = np.where(rival == 0, 1, rival).astype(np.int8)
        ahead = halves_ahead(challenger, champion, walk.came)
        screened = most_capital(ahead, walk.horizon, LEAN) >= log(10) * needed(number)
        for seed in np.flatnonzero(screened):
            if (course(ahead[seed], walk.horizon) >= needed(number)).any():
                found.add(int(seed))
    return found


def outcomes(walk: Walk, model: Signs, seed: int = 0) -> Iterator[Outcome]:
    said = {name: signs_[seed].tolist() for name, signs_ in walk.rivals(model).items()}
    own, came = model[seed].tolist(), walk.came[seed].tolist()
    for close, (sign, way) in enumerate(zip(own, came, strict=True)):
        verdict = verdict_of(sign, way)
        rivals = {name: verdict_of(signs_[close], way) for name, signs_ in said.items()}
        yield Outcome(
            "simulator:BTC/USDT", "1s", 1_000 * close, 1_000 * walk.horizon, "champion", "1",
            100.0, 0.0, 0.0, verdict, verdict, True, rivals,
        )  # fmt: skip


def verdict_of(said: int, came: int) -> Verdict:
    if said == 0:
        return "abstained"
    if came == 0:
        return "flat"
    return "right" if said == came else "wrong"


@pytest.mark.parametrize("horizon", HORIZONS)
def test_on_a_random_walk_next_to_nothing_false_is_ever_said(horizon: int) -> None:
    walk = Walk(SEEDS, horizon)
    found = false_verdicts(walk, walk.persistent())
    assert len(set.union(*found.values())) <= 3, found


@pytest.mark.parametrize("horizon", HORIZONS)
def test_on_a_random_walk_next_to_nobody_is_ever_promoted(horizon: int) -> None:
    walk = Walk(SEEDS, horizon)
    found = falsely_promoted(walk, walk.persistent())
    assert len(found) <= 3, found


@pytest.mark.parametrize("horizon", HORIZONS)
def test_a_duel_says_what_the_course_of_its_evidence_does(horizon: int) -> None:
    walk = Walk(1, horizon, seed=5)
    challenger, champion, came = walk.told(0.56)[0], walk.told(0.5)[0], walk.came[0]
    expected = course(halves_ahead(challenger, champion, came), horizon)
    for closes in (10, 100, 4_321, CLOSES):
        moved = np.flatnonzero(came[:closes])
        met = duel(
            0.5 + LEAN * challenger[moved], 0.5 + LEAN * champion[moved], came[moved] > 0,
            1_000 * moved, Streams.foreseen(1_000 * horizon, 1_000),
        )  # fmt: skip
        assert met.log10_e == pytest.approx(expected[closes - 1])
        assert met.rows == len(moved)
        right = [(said[moved] == came[moved]).mean() for said in (challenger, champion)]
        assert met.ahead == pytest.approx(right[0] - right[1])


@pytest.mark.parametrize(("horizon", "most"), [(1, 8_000), (2, 16_000)])
def test_a_challenger_that_is_right_55_times_of_100_is_promoted(horizon: int, most: int) -> None:
    walk = Walk(20, horizon, seed=1)
    ahead = halves_ahead(walk.told(0.55), walk.persistent(), walk.came)
    proven = np.array([course(halves, horizon) for halves in ahead]) >= needed(1)
    first = np.where(proven.any(1), proven.argmax(1), CLOSES)
    assert np.median(first) <= most


def test_the_whole_says_what_its_parts_do_at_every_look() -> None:
    walk = Walk(1, 5, seed=7)
    model = walk.told(0.56)
    walk.random = np.random.default_rng(3)
    kept = list(outcomes(walk, model))
    walk.random = np.random.default_rng(3)
    ahead = differences(walk, model)
    expected = {name: e_values(halves[0], 5) - log10(2) for name, halves in ahead.items()}
    evidence = Evidence(Streams.foreseen(5_000, 1_000))
    for close, outcome in enumerate(kept):
        evidence.happened(outcome, 0)
        if close % 997 == 0:
            rivals = evidence.proof().rivals
            for name, values in expected.items():
                if name in rivals:
                    assert rivals[name].beaten == pytest.approx(values[close], abs=1e-3)


@pytest.mark.parametrize(("horizon", "most"), [(1, 12_000), (2, 14_000)])
def test_a_model_that_is_right_55_times_of_100_is_recognised(horizon: int, most: int) -> None:
    walk = Walk(20, horizon, seed=1)
    ahead = differences(walk, walk.told(0.55))
    each = [
        [e_values(ahead[name][seed], horizon) for name in (COIN, *BASELINES)] for seed in range(20)
    ]
    proven = np.min(each, axis=1) >= log10(2 / ALPHA)
    first = np.where(proven.any(1), proven.argmax(1), CLOSES)
    assert np.median(first) <= most
