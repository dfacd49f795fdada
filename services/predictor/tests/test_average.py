"""The online average: who was right of late counts more, and nobody begins with a handicap."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketstream.columns import Flags, Floats
from predictor.policy.average import Average, half_life_ms
from predictor.policy.offline import Asked, averaged
from predictor.training.dataset import Dataset

H_MS = 120_000


def happened(
    average: Average, said: dict[str, float], served: float, at_ms: int, *, up: bool = True
) -> None:
    average.happened(said, served, up=up, at_ms=at_ms, horizon_ms=1_000, half_life_ms=H_MS)


def seated(*names: str) -> Average:
    average = Average()
    average.seat({name: f"{name}:1" for name in names})
    return average


def shares(average: Average, at_ms: int = 0) -> dict[str, float]:
    return average.shares(average.seats, at_ms, H_MS)


def test_at_first_all_count_alike_and_then_by_what_came() -> None:
    average = seated("one", "other")
    assert shares(average) == {"one": 0.5, "other": 0.5}
    happened(average, {"one:1": 0.8, "other:1": 0.2}, 0.5, 1_000)
    assert shares(average, 1_000) == pytest.approx({"one": 0.8, "other": 0.2})
    happened(average, {"one:1": 0.8, "other:1": 0.2}, 0.68, 2_000, up=False)
    kept = 2 ** (-1 / 120)
    ahead = kept * log(4) - log(4)
    assert average.seats["one"].log - average.seats["other"].log == pytest.approx(ahead)


def test_overlapping_outcomes_count_by_the_time_they_add_and_none_more_than_once() -> None:
    average = seated("one")
    for at_ms, counts in ((1_000, 1.0), (1_250, 0.25), (1_250, 0.0), (61_250, 1.0)):
        before, until_ms = average.seats["one"].log, average.until_ms
        happened(average, {"one:1": 0.8}, 0.8, at_ms)
        passed_ms = 0 if until_ms is None else at_ms - until_ms
        kept = before * 2 ** (-passed_ms / H_MS)
        assert average.seats["one"].log == pytest.approx(kept + counts * log(0.8))


def test_weights_fade_while_nothing_comes() -> None:
    average = seated("one", "other")
    happened(average, {"one:1": 0.8, "other:1": 0.2}, 0.5, 0)
    (later,) = {shares(average, H_MS)["one"]}
    assert later == pytest.approx(2 / 3)  # half of ln 4 is ln 2


def test_who_sleeps_is_charged_what_was_served_and_newcomers_begin_there() -> None:
    average = seated("one", "other", "sleeper")
    happened(average, {"one:1": 0.9, "other:1": 0.6}, 0.75, 1_000)
    assert average.seats["sleeper"].log == average.mixture == pytest.approx(log(0.75))
    average.seat({name: f"{name}:1" for name in ("one", "other", "sleeper", "newcomer")})
    assert average.seats["newcomer"].log == average.mixture
    among = average.shares(["one", "other", "newcomer"], 1_000, H_MS)
    assert among["other"] < among["newcomer"] < among["one"]


def test_successor_of_a_name_goes_on_with_its_weight_unless_the_one_before_stays() -> None:
    average = seated("reference", "learner")
    happened(average, {"reference:1": 0.9, "learner:1": 0.6}, 0.75, 1_000)
    old = {seat.model: seat.log for seat in average.seats.values()}
    average.seat(
        {"reference": "reference:2", "learner": "learner:2", "learner_earlier_1": "learner:1"}
    )
    now = {seat.model: seat.log for seat in average.seats.values()}
    assert now == {
        "reference:2": old["reference:1"],
        "learner:2": average.mixture,
        "learner:1": old["learner:1"],
    }


@given(
    st.lists(
        st.tuples(st.lists(st.floats(0.01, 0.99), min_size=3, max_size=3), st.booleans()),
        min_size=1,
        max_size=200,
    ),
    st.integers(1, 5_000),
)
def test_regret_is_never_more_than_the_log_of_how_many_there_are(
    rounds: list[tuple[list[float], bool]], step_ms: int
) -> None:
    average, names = seated("a", "b", "c"), ["a", "b", "c"]
    regret = dict.fromkeys(names, 0.0)
    before_ms: int | None = None
    for number, (p_up, up) in enumerate(rounds):
        at_ms = number * step_ms
        weights = average.shares(names, at_ms, H_MS)
        served = sum(weights[name] * p for name, p in zip(names, p_up, strict=True))
        counts = 1.0 if before_ms is None else min(1.0, (at_ms - before_ms) / 1_000)
        fades = 1.0 if before_ms is None else 2 ** (-(at_ms - before_ms) / H_MS)
        for name, p in zip(names, p_up, strict=True):
            ahead = log(p if up else 1 - p) - log(served if up else 1 - served)
            regret[name] = fades * regret[name] + counts * ahead
        said = {f"{name}:1": p for name, p in zip(names, p_up, strict=True)}
        happened(average, said, served, at_ms, up=up)
        before_ms = at_ms
        assert max(regret.values()) <= log(3) + 1e-9


@pytest.mark.parametrize(
    ("step_ms", "label", "half_life_s"),
    [
        (1_000, "mid", 120),
        (1_000, "fair", 7_200),
        (60_000, "close", 14 * 86_400),
        (60_000, "mid", 14 * 86_400),
    ],
)
def test_half_life_is_that_of_what_is_known(step_ms: int, label: str, half_life_s: int) -> None:
    assert half_life_ms(step_ms, label) == 1_000 * half_life_s  # type: ignore[arg-type]


def rows_of(up: Flags) -> Dataset:
    """A decision each second, known a second later, that always moves."""
    times = 1_000 * np.arange(len(up), dtype=np.int64)
    nothing = np.zeros(len(up))
    returns = np.where(up, 1e-4, -1e-4)
    return Dataset(
        names=(), values=np.zeros((len(up), 0)), times_ms=times, ends_ms=times + 1_000,
        returns=returns, ways=returns, previous=nothing, spread_bps=nothing,
        horizon_ms=1_000, step_ms=1_000,
    )  # fmt: skip


def flipping(seed: int, regimes: int, length: int) -> tuple[Dataset, dict[str, Floats], Flags]:
    """A market that follows one of two signals 65 times in 100, the other one after each flip.

    With it go what candidates say: one for each signal, which is right while that one is followed,
    and a coin; and for which rows the first signal is followed.
    """
    random = np.random.default_rng(seed)
    size = regimes * length
    first, second = random.random(size) < 0.5, random.random(size) < 0.5
    follows_first = (np.arange(size) // length) % 2 == 0
    followed = np.where(follows_first, first, second)
    up = np.where(random.random(size) < 0.65, followed, ~followed)
    said = {
        "first": np.where(first, 0.65, 0.35),
        "second": np.where(second, 0.65, 0.35),
        "coin": np.full(size, 0.5),
    }
    return rows_of(up), said, follows_first


def test_after_a_flip_the_average_is_as_good_as_the_best_within_150_closes() -> None:
    """Median over 20 seeds, four regimes of 20 minutes; the champion of the first one beside."""
    behind, champions, averages = [], [], []
    for seed in range(20):
        rows, said, follows_first = flipping(seed, regimes=4, length=1_200)
        models = {name: f"{name}:1" for name in said}
        known = dict.fromkeys(said, np.ones(len(rows), np.bool_))
        (p_up,) = [averaged([Asked(rows, models, said, known)], [said["coin"]])]
        settled = np.arange(len(rows)) % 1_200 >= 150
        best = np.where(follows_first, said["first"], said["second"])
        right = {
            name: ((p > 0.5) == rows.up)[settled].mean()
            for name, p in (("average", p_up), ("best", best), ("champion", said["first"]))
        }
        behind.append(right["best"] - right["average"])
        averages.append(right["average"])
        champions.append(right["champion"])
    assert np.median(behind) < 0.01
    assert np.median(averages) > 0.64
    assert np.median(champions) < 0.59


def test_no_outcome_counts_before_it_is_known() -> None:
    rows, said, _ = flipping(1, regimes=2, length=300)
    models = {name: f"{name}:1" for name in said}
    known = dict.fromkeys(said, np.ones(len(rows), np.bool_))
    asked = Asked(rows, models, said, known)
    whole = averaged([asked], [said["coin"]])
    lies = rows_of(np.where(np.arange(len(rows)) >= 400, ~rows.up, rows.up))
    other = averaged([Asked(lies, models, said, known)], [said["coin"]])
    np.testing.assert_array_equal(whole[:401], other[:401])  # that of row 400 is known at 401
    assert whole[401] != other[401]


def test_where_nobody_knows_enough_the_fallback_speaks() -> None:
    rows, said, _ = flipping(1, regimes=1, length=10)
    models = {name: f"{name}:1" for name in said}
    known = {name: np.arange(10) >= 5 for name in said}
    p_up = averaged([Asked(rows, models, said, known)], [np.full(10, 0.9)])
    assert (p_up[:5] == 0.9).all()
    assert (p_up[5:] != 0.9).all()


def test_neither_time_nor_sleep_makes_up_for_what_an_unproven_model_has_not_shown() -> None:
    average = Average()
    models = {name: f"{name}:1" for name in ("one", "mine")}
    average.seat(models, ["mine"])
    for row in range(1, 1_000):
        happened(average, {"one:1": 0.6}, 0.6, 1_000 * row, up=True)
    for hours in (0, 1, 24):
        at_ms = 1_000_000 + 3_600_000 * hours
        assert average.shares(models, at_ms, H_MS)["mine"] == pytest.approx(0.01, rel=0.1)
    average.seat(models | {"mine": "mine:2"}, ["mine"])
    assert average.shares(models, 1_000_000, H_MS)["mine"] == pytest.approx(0.01, rel=0.1)
    for row in range(1_000, 2_200):
        happened(average, {"one:1": 0.6, "mine:2": 0.6}, 0.6, 1_000 * row, up=True)
    assert average.shares(models, 2_200_000, H_MS)["mine"] == pytest.approx(0.5, abs=0.01)


@given(st.lists(st.tuples(st.booleans(), *[st.floats(0.001, 0.999)] * 3), max_size=300))
def test_an_unproven_model_costs_the_others_next_to_nothing_and_keeps_its_own_bound(
    rows: list[tuple[bool, float, float, float]],
) -> None:
    average = Average()
    models = {name: f"{name}:1" for name in ("one", "other", "mine")}
    average.seat(models, ["mine"])
    assert shares(average)["mine"] == pytest.approx(0.01 / 2.01)
    lost, behind = 0.0, dict.fromkeys(models, 0.0)
    for row, (up, *said) in enumerate(rows, 1):
        by_name = dict(zip(models, said, strict=True))
        weights = average.shares(models, 1_000 * row, H_MS)
        p = sum(weights[name] * each for name, each in by_name.items())
        given_by = {models[name]: each for name, each in by_name.items()}
        happened(average, given_by, p, 1_000 * row, up=up)
        kept = 2 ** (-1 / 120) if row > 1 else 1.0
        lost = -log(p if up else 1 - p)
        for name, each in by_name.items():
            behind[name] = kept * behind[name] + lost + log(each if up else 1 - each)
            bound = log(2.01) if name != "mine" else log(201)
            assert behind[name] <= bound + 1e-9
